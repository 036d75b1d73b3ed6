### Rechazos: lo que no existe.

no-banner = no existe el aviso { $name }
no-calendar = no existe el calendario { $name }
no-campaign = no existe la campaña { $name }
no-comment = no existe el comentario { $name }
no-drill = no existe el simulacro { $name }
no-follow-up = no existe el seguimiento { $name }
no-follower = no existe el seguidor { $name }
no-incident = no existe el incidente { $name }
no-organization = no existe la organización { $name }
no-organization-named = no existe ninguna organización con ese nombre
no-page = no existe la llamada { $name }
no-product = no existe el producto { $name }
no-release = no existe la versión { $name }
no-staged-release = no hay una versión preparada o activa { $name }
no-staged-release-yet = no hay una versión preparada o activa { $name }; primero prepárela
no-site-of-product = este producto no tiene el sitio { $name }
no-template-of-own = entre sus propias plantillas no existe { $name }
no-token = no hay ningún token en uso { $name }
no-update = no existe la actualización { $name }
no-update-waiting = no hay ninguna actualización en espera { $name }
no-version-of-report = este informe no tiene la versión { $name }
no-notification = no hay ningún mensaje abandonado { $name }
no-path = la dirección no corresponde a nada aquí: { $problem }
no-document = no hay ningún documento { $name }
no-version-of-document = no hay ninguna versión { $name }
no-group = no hay ningún grupo { $name }
