### Las luces y lo que las rodea.

lamps = Las luces
lamps-region = Las luces, de oeste a este
lamps-half-west = Cada sitio como una luz, por zona horaria: el oeste
lamps-half-east = Cada sitio como una luz, por zona horaria: el este
lamps-foot = Ponga el puntero sobre una colina, o llegue a ella con la tecla Tab, para leer sus cifras. Las mismas cifras están en la tabla.
lamps-legend = Leyenda
lamps-live = En vivo
lamps-each = Cada luz representa { $n } sitios y muestra el que está peor.
lamps-none-open = No hay ninguno abierto.
lamps-decide = Decidir si es un incidente
lamps-open-one = Abrir un incidente
lamps-open-one-that = que ninguna alarma propuso.
lamps-past = Anteriores
lamps-no-alarm = Ninguna en siete días.
lamps-zones-caption = Sitios de cada zona horaria por estado, de oeste a este
first-run = Le damos la bienvenida
no-lamps-yet = Todavía no hay luces.
no-lamps-lead = Lamplighter vigila el inicio de sesión en una flota de sitios. Indique qué sitios hay, o vea un simulacro.
nothing-imported = No se importó nada
nothing-imported-lead = Un archivo se importa entero o no se importa. Corrija estas líneas y envíelo de nuevo.
nothing-imported-why = No se importó nada: { $why }.
lines-to-mend = Líneas por corregir
first-bad-lines = Las primeras { $n } líneas con errores; el encabezado es la línea 1
bad-line = Línea
bad-line-why = Qué está mal
import-your-fleet = Importar su flota
import-file = Un archivo CSV, una línea por sitio
import-columns = Columnas:
import-columns-more = y, si las tiene,
import-and = y
import-most = Como máximo 32 MiB.
import-do = Importar
import-no-file = El formulario llegó sin archivo: elija primero un archivo CSV.
import-sign-in = Inicie sesión en la consola
import-sign-in-rest = para enviar un archivo CSV, o use la línea de comandos.
import-command = Desde la línea de comandos:
watch-again = O vea de nuevo el 11 de julio de 2023
watch-lead = El simulacro repite un incidente real con los componentes reales: las 4:00 p. m., una versión nueva, y el inicio de sesión falla en todos los sitios.
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
