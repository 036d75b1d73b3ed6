### El servicio de inicio de sesión: sus cuentas y claves.

accounts-title = Inicio de sesión
accounts-lead = El servicio que comparten todos los sitios. Su emisor es { $issuer }.
accounts-add = Agregar una cuenta
accounts-e-mail = Correo electrónico
accounts-password = Contraseña
accounts-password-hint = 8 caracteres o más; solo se guarda su hash argon2id.
accounts-add-it = Agregar la cuenta
accounts-unlock = Desbloquear una cuenta
accounts-unlock-lead = Demasiadas contraseñas erróneas bloquean una dirección por un tiempo. Esto termina el bloqueo.
accounts-unlock-it = Desbloquearla
accounts-keys = Claves de firma
accounts-keys-lead = Con ellas los sitios verifican lo que dice este servicio. Una clave nueva primero se publica, y firma cuando todos los sitios la conocen.
accounts-keys-caption = Claves de firma, de la más antigua a la más reciente
accounts-key = Clave
accounts-state = Estado
accounts-next = Siguiente paso
accounts-new-key = Crear una clave nueva
accounts-key-next = próxima
accounts-key-active = activa
accounts-key-retired = retirada
accounts-sign-with = Firmar con ella
accounts-retire = Retirarla
accounts-at-once-box = de inmediato, sin el tiempo que los sitios necesitan
accounts-added = { $who } puede iniciar sesión desde ahora.
accounts-unlocked = { $who } puede intentarlo de nuevo.
accounts-key-states = Una clave está en estado next, active o retired.
