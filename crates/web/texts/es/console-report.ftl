### Donde se escribe el informe de un incidente.

the-incident-report = El informe del incidente
back-to-the-incident = Volver al incidente
report-is-a-draft = Un borrador, hecho con el registro de lo sucedido. Los clientes no lo ven. La causa, lo que salió bien y los seguimientos los escribe usted.
report-is-version = Versión { $n }. Los clientes leen un informe cuando otra persona lo aprobó y está publicado.
report-versions = Versiones
report-version = Versión { $n }
report-published = publicada
report-approved = { $who } la aprobó,
report-unfinished = Aún falta escribir algo.
report-not-approved = Aún sin aprobar.
report-read-version = Leer la versión { $n }
report-approve = Aprobar la versión { $n }
report-publish = Publicar la versión { $n }
report-draft = El borrador hecho con los registros
report-draft-pdf = El borrador hecho con los registros, en PDF
report-draft-of = Borrador del informe del incidente: { $title }
report-draft-byline = Un borrador, hecho con los registros. No está publicado.
report-write = Escribirlo
report-markdown = El informe, en Markdown
report-save = Guardar una versión
