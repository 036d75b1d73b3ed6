### El formulario para reportar un problema.

please-look-again = Por favor, revise los datos
what-is-wrong = ¿Qué sucede?
no-need-to-sign-in = No es necesario iniciar sesión. Su reporte llega de inmediato a nuestro equipo de soporte.
address-hint = Su dirección, por ejemplo anytown.gov.
similar-sites = Sitios con un nombre parecido
send-it-for = Enviarlo para { $site }
what-do-you-see = ¿Qué ve?
text-hint = Qué intentó hacer y, si aparece, el mensaje de error. No escriba contraseñas.
where-to-answer = ¿Dónde podemos responderle?
optional = (opcional)
contact-hint = Un correo electrónico o un número de teléfono.
send-the-report = Enviar el reporte
thanks-heading = Gracias. Recibimos su reporte.
thanks-lead = Estamos revisando { $site }. Su página indica lo que encontremos y cuándo quede resuelto.
thanks-lead-answered = Estamos revisando { $site }. Su página indica lo que encontremos y cuándo quede resuelto, y le responderemos.
your-report-is = Si nos llama, su reporte es { $id }.
see-how-it-is = Ver el estado de { $site }
thank-you = Gracias
name-your-site = Indique su sitio: la dirección que escribe para entrar en él.
no-address = Esta no es la dirección de un sitio. Tiene una forma como anytown.gov.
one-of-those = No conocemos este sitio. Quizá sea uno de los de abajo.
text-refused = Falta la descripción, es demasiado larga o contiene signos que no son texto.
contact-refused = El correo o teléfono es demasiado largo, o no está en una sola línea.
