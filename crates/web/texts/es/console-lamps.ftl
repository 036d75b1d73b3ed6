### Las luces y lo que las rodea.

lamps = Las luces
lamps-region = Las luces, de oeste a este
lamps-half-west = Cada sitio como una luz, por zona horaria: el oeste
lamps-half-east = Cada sitio como una luz, por zona horaria: el este
lamps-foot = Ponga el puntero sobre una colina, o llegue a ella con la tecla Tab, para leer sus cifras. Las mismas cifras están en la tabla.
lamps-legend = Leyenda
lamps-live = En vivo
lamps-each = Cada luz representa { $n } sitios y muestra el que está peor.
ending-root-elsewhere = La raíz de la configuración se firma en otro lugar y vence pronto. Prepare la siguiente con «lamplighter keys root draft», fírmela allí y publíquela: después los agentes no aceptan configuración.
ending-root = La raíz de la configuración vence pronto, y este servidor no pudo firmar la siguiente. Su registro dice por qué; después los agentes no aceptan configuración.
ending-metadata = La configuración firmada vence pronto, y este servidor no pudo firmarla de nuevo. Su registro dice por qué; después los agentes no aceptan configuración.
ending-until = Vale hasta
lamps-none-open = No hay ninguno abierto.
lamps-decide = Decidir si es un incidente
lamps-open-one = Abrir un incidente
lamps-open-one-that = que ninguna alarma propuso.
lamps-past = Anteriores
lamps-no-alarm = Ninguna en siete días.
lamps-zones-caption = Sitios de cada zona horaria por estado, de oeste a este
first-run = Le damos la bienvenida
nothing-imported = No se importó nada
nothing-imported-why = No se importó nada: { $why }.
import-no-file = El formulario llegó sin archivo: elija primero un archivo CSV.
state-of-well =
    { $n ->
        [one] funciona
       *[other] funcionan
    }
state-of-restored =
    { $n ->
        [one] restablecido
       *[other] restablecidos
    }
