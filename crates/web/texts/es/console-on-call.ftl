### A quién se llama.

on-call-title = De guardia
on-call-lead = A quién se llama cuando una alarma propone un incidente o una promesa se retrasa: cada paso a su turno, hasta que alguien confirma.
on-call-steps = Los pasos
on-call-nobody = No se llama a nadie: agregue un paso, o nadie se enterará de una mala noche.
on-call-signed = con firma
on-call-unsigned = sin firma
on-call-remove = Quitar
on-call-add = Agregar un paso
on-call-address = Dirección
on-call-address-hint = Cada llamada se envía ahí como JSON (Standard Webhooks).
on-call-secret = Secreto
on-call-secret-hint = Firma la llamada: whsec_ y base64. Se guarda sellado y no se vuelve a mostrar.
on-call-minutes = Minutos de espera antes del paso
on-call-add-it = Agregar el paso
on-call-pages = Las llamadas más recientes
on-call-no-pages = Aún no se ha llamado a nadie.
on-call-caption = Llamadas, de la más reciente a la más antigua
on-call-when = Cuándo
on-call-what = Qué
on-call-answered = Confirmada
on-call-acknowledge = Confirmar
on-call-no-host = una dirección sin servidor
on-call-at-once = de inmediato
on-call-after = después de { $length }
on-call-whole-minutes = Indique la espera en minutos enteros.
on-call-changed = Alguien cambió la lista mientras tanto; vuelva a revisarla.
