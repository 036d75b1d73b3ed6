### Lo que aún queda por hacer después de los incidentes.

follow-ups-left =
    { $n ->
        [one] { $n } seguimiento pendiente
       *[other] { $n } seguimientos pendientes
    } de incidentes
follow-ups-overdue =
    { $n ->
        [one] { $n } vencido
       *[other] { $n } vencidos
    }
follow-ups-order = , los más próximos primero.
follow-ups-none = No queda nada por hacer. Los seguimientos se agregan en la página de su incidente.
follow-up-overdue-since = vencido desde el { $day }
follow-up-is-done = Está hecho
follow-up-not-done = No se hará
follow-up-why-not = Por qué no
follow-up-drop = Descartarlo
