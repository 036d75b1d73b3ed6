### Lo que se comunica a las organizaciones a las que pertenece quien lee.

for-your-organization = Para su organización
own-lead = Algunos incidentes se comunican solo a las organizaciones cuyos sitios afectan. Inicie sesión con su dirección de la organización para leerlos.
own-none = Su dirección no pertenece a ninguna organización aquí. Quien administra sus sitios con nosotros puede pedir que se agregue.
own-of = Usted lee lo que se comunica a
own-quiet = No ocurre nada, y no se ha comunicado nada últimamente.
only-affected = Solo para las organizaciones afectadas
sign-in-here = Iniciar sesión
for-its-people = ¿Trabaja allí? Lea lo que se comunica solo a su personal
