### Quién tiene un token.

people-title = Personas
people-lead = Quién puede entrar aquí, y con qué función. Un token funciona también cuando el inicio de sesión no funciona.
people-made = El token de { $name }. Se muestra solo esta vez: entréguelo de forma segura.
people-make = Crear un token
people-name = Nombre
people-name-hint = Como aparecerá en la auditoría y en las cronologías.
people-role = Función
people-make-it = Crear el token
people-may = Qué permite cada función
people-in-use = Tokens en uso
people-caption = Tokens en uso, del más antiguo al más reciente
people-who = Quién
people-since = Desde
people-withdraw = Revocar
people-withdraw-of = el token de { $name }
people-you = es usted
people-role-admin = administración
people-role-engineer = ingeniería
people-role-support = soporte
people-role-agent = agente
people-role-site = sitio
people-may-admin = todo, incluso crear tokens
people-may-engineer = publica la configuración, prepara versiones, dirige campañas, informa a los clientes
people-may-support = recibe reportes, restablece sitios individuales, informa a los clientes
people-may-agent = se crea al inscribir un servidor; no se entrega a personas
people-may-site = envía recuentos de inicios de sesión y no ve nada
