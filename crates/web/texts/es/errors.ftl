### Qué falló y qué hacer.

see-the-status = Ver el estado de todos los sitios
error-not-here = Esta página no existe
error-not-yours = No tiene permiso para hacer esto
error-form = El formulario no llegó como debía
error-too-often = Demasiadas veces
error-not-done = No se realizó
error-cannot = Esto no se puede hacer
error-too-much = Demasiadas visitas
error-many-people = Hay muchas personas aquí en este momento. Inténtelo de nuevo en unos segundos.
error-not-saved = No se guardó
error-disk = En este momento nuestro servidor no puede guardar nada. Inténtelo más tarde.
error-failed = Algo falló de nuestro lado
error-logged = Quedó registrado. Inténtelo de nuevo en un minuto.
error-pdf-long = Este informe es demasiado largo para un PDF.
error-pdf = Quedó registrado. Puede leer el informe en su página.
error-mistyped = Quizá la dirección está incompleta o mal escrita.
error-no-incident = No existe ese incidente, o es solo para las organizaciones afectadas. Quizá la dirección está incompleta; o inicie sesión, si su organización es una de ellas.
error-no-organization = No existe esa organización. Busque uno de sus sitios.
error-no-report = El informe de este incidente aún no está escrito. Su página indica cuándo se publicará.
says-not-found = Lo que busca no existe, o ya no está aquí.
says-not-allowed = Inicie sesión de nuevo, o vuelva a la página y hágalo desde ahí.
says-form = Vuelva a la página, revise los datos y envíelos de nuevo.
says-too-often = Se recibieron demasiados envíos desde esta dirección. Espere un momento e inténtelo de nuevo.
says-refused = Los datos no son válidos. Vuelva a la página y revíselos.
says-conflict = Algo cambió mientras tanto. Vuelva a la página e inténtelo de nuevo.
says-failed = Algo falló de nuestro lado. Inténtelo de nuevo en unos minutos.
