### El mantenimiento programado, como lo programa el personal.

planned-lead = Se anuncia antes de que comience. Comienza por sí solo; se avisa a los seguidores en cada paso.
planned-none = No hay nada programado.
planned-caption = Mantenimiento programado, primero el último en comenzar
planned-what = Mantenimiento
planned-when = Cuándo
plan-work = Programar un mantenimiento
announce-it = Anunciarlo
planned-title-such-as = Se reemplazan los servidores de inicio de sesión
what-customers-are-told = Lo que se informa a los clientes
planned-text-hint = Qué notarán, y qué no necesitan hacer. Markdown.
what-they-will-notice = Qué notarán
planned-where = Dónde
on-whose-clock = En qué hora
same-moment = { $zone }, el mismo momento en todas partes
own-clock-night = La hora local de cada sitio, para que sea de noche en todas partes
remind-before = Recordar a los seguidores, horas antes
remind-hint = Vacío: se les avisa ahora y cuando comienza, no en el intervalo.
completes-itself = Se da por hecho cuando termina el horario. De lo contrario, alguien indica cómo resultó; si nadie lo hace, se llama a quien está de guardia.
announce-quietly = No avisar del anuncio a los seguidores
