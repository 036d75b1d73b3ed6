### Cómo el personal escribe una actualización de un incidente.

post-at = Publicarla el
post-at-hint = Hora de { $zone }; vacío: ahora.
tell-no-follower = No avisar a los seguidores
post-named = Publicar «{ $name }»
look-first = Verla primero
your-own-words = Sus propias palabras
update = Actualización
state-from-now = Estado a partir de ahora
leave-the-state = Dejarlo como está
next-update-within = Próxima actualización en un plazo de
next-update-hint = Por ejemplo 1 hour, o 2 business hours (horas hábiles). Inicia un reloj que se lo recuerda.
counted-on-calendar = Se cuenta con el calendario
calendar-default = El predeterminado
post-the-update = Publicar la actualización
templates-of-your-own = Sus propias plantillas
gap-duration = Por ejemplo 24 business hours (horas hábiles), o 1 hour.
gap-moment = En su hora, por ejemplo 2023-07-11T18:30. Los clientes la leen en la suya.
gap-timeline = Por ejemplo 2 business hours (horas hábiles), o 2023-07-11T18:30 en su hora.
gap-long-text = Varias líneas, en Markdown.
gap-products = Nombres de productos, separados por comas.
gap-sites = Nombres de host, uno por línea.
