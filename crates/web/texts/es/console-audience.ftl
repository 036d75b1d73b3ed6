### Quién puede leer un incidente, y quién pertenece a una organización.

audience = Quién puede leerlo
audience-everybody = Todas las personas
audience-affected = Solo las organizaciones con un sitio afectado, con sesión iniciada
audience-now-everybody = Todas las personas pueden leerlo.
audience-now-affected = Solo los miembros de las organizaciones afectadas pueden leerlo, con sesión iniciada. Las luces y lo que se hizo en cada sitio siguen siendo públicos.
audience-widen = Permitir que todas las personas lo lean, y avisar a los seguidores que aún no lo saben
audience-narrow = Permitir que solo lo lean las organizaciones afectadas
organizations = Organizaciones
organizations-lead = Los clientes y sus miembros. Lo que se comunica solo a las organizaciones afectadas lo leen sus miembros.
organization-find = Nombre de una organización
organization-none = Ninguna organización coincide.
members = Miembros
members-lead = Leen lo que se comunica solo a las organizaciones afectadas, con sesión iniciada con una de estas direcciones.
members-hint = Una por línea: una dirección como clerk@anytown.gov, o un dominio de correo como @anytown.gov para todas las personas de allí. { $n } como máximo.
members-label = Direcciones y dominios de correo
members-save = Guardar los miembros
members-saved = Los miembros se guardaron.
members-suggested = Según los nombres de sus sitios:
its-sites-here = Sus sitios
show = Mostrar
