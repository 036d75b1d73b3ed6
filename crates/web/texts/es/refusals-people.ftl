### Rechazos: cuentas, seguidores, miembros, tokens, la guardia.

address-shape = esta no es una dirección de correo electrónico; tiene una forma como nombre@anytown.gov
member-shape = { $text } no es un miembro: indique una dirección como clerk@anytown.gov, o un dominio de correo como @anytown.gov
member-anybody = cualquiera puede tener una dirección en { $domain }: indique las direcciones de los miembros una por una
members-many = indique { $n } como máximo: un dominio de correo incluye a todas sus personas
follow-no-mail = este servidor no envía correos; en su lugar, use los canales /feed.atom o /feed.rss
follow-secret = solo se firma el formato standard; omita el secreto
follow-already = Esta dirección ya recibe estos avisos.
follow-private = la dirección está en una red privada, adonde no se envían los webhooks de los seguidores
no-address = esto no es una dirección
no-address-why = esto no es una dirección: { $problem }
address-scheme = solo las direcciones http y https reciben mensajes
secret-shape = un secreto es «whsec_» y base64
step-wait = { $n } segundos como máximo, una semana
steps-many = se indicaron { $n } pasos; se permiten { $n-max }
token-named = alguien con un token ya se llama { $name }; elija otro nombre, o primero revoque ese token
token-name = un nombre tiene de 1 a 100 caracteres
token-own = así se llama en la auditoría una parte del propio programa; elija otro nombre
token-break-glass = ese es el nombre del token de la carpeta de datos; `lamplighter token break-glass` lo crea de nuevo
account-password = una contraseña tiene 8 caracteres o más, y 1,024 bytes como máximo
account-known = { $email } ya tiene una cuenta
account-twice = una dirección aparece dos veces
accounts-at-once = se crean de 1 a { $n } cuentas a la vez
passwords-busy = demasiadas contraseñas esperan su verificación; inténtelo de nuevo en unos segundos
key-unknown = no hay una clave así en uso, o es la última activa
signing-key-none = no hay ninguna clave de firma { $kid } en uso; publique sign-in/client con un signing_kid de los que enumera GET /api/v1/keys
