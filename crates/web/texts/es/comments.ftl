### Comentarios.

comments-on = { $comments } sobre
we-say-there = Lo que informamos nosotros está ahí.
cannot-write = No puede escribir aquí
your-name = Su nombre
name-hint = Se muestra a los demás; su dirección de correo, no.
comment = Comentario
affected-ask = ¿Está afectado su sitio? Entonces
report-it = repórtelo
instead = mejor: así lo vemos de inmediato.
post-the-comment = Publicar el comentario
signed-in-as = Sesión iniciada como { $who }
sign-out = Cerrar sesión
sign-in-to-comment = Iniciar sesión para comentar
nobody-yet = Nadie ha escrito todavía.
helpful = Útil
what-who-wrote = lo que escribió { $who }
report = Reportar
older-comments = Comentarios anteriores
helpful-to =
    { $n ->
        [one] A { $n } persona le resulta útil.
       *[other] A { $n } personas les resulta útil.
    }
thanks-shown = Gracias. Su comentario ya aparece aquí.
thanks-held = Gracias. Nuestro personal revisa los comentarios con enlaces antes de mostrarlos.
thanks-reported = Gracias. Nuestro personal revisa lo que se reporta.
comment-refused = No se aceptó: falta el nombre o el comentario, es demasiado largo, o ya no puede enviarse.
sign-in-not-begun = Este inicio de sesión no comenzó en este navegador, o tardó demasiado.
