### Las páginas propias del proveedor: el formulario y lo que falló.

sign-in = Iniciar sesión
sign-in-to = Iniciar sesión en { $site }
to-site = en { $site }
e-mail = Correo electrónico
password = Contraseña
keep-signed-in = Mantener la sesión iniciada en este dispositivo
in-another-language = En otro idioma
wrong = El correo electrónico y la contraseña no coinciden.
locked = Hubo demasiados intentos con esta dirección. Inténtelo de nuevo en 30 minutos.
not-begun-title = No hay dónde iniciar sesión
not-begun = Abra el sitio en el que desea iniciar sesión y hágalo desde ahí.
again-title = Inicie sesión de nuevo desde el sitio
strange-form = Este formulario no se llenó en nuestra página en este navegador.
late-form = El formulario estuvo abierto demasiado tiempo.
unknown-site-title = Sitio desconocido
no-site-named = La solicitud no indica ningún sitio (client_id).
unknown-site = No conocemos el sitio { $site }, así que no podemos iniciar su sesión en él.
wrong-return-title = Dirección de regreso incorrecta
wrong-return = El sitio pidió enviarle a una dirección (redirect_uri) que no es suya. No se envió nada ahí. Por favor, avise a los administradores del sitio.
busy-title = Inténtelo de nuevo
busy = Muchas personas están iniciando sesión en este momento. Inténtelo de nuevo en unos segundos.
failed-title = No funcionó
failed = Algo falló de nuestro lado y quedó registrado. Inténtelo de nuevo.
