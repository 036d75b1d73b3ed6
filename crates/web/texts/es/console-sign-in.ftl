### La entrada a la consola.

console-sign-in-title = Iniciar sesión en la consola
console-sign-in-lead = Con un token del personal. Funciona también cuando el inicio de sesión falla.
console-sign-in-token = Su token
console-sign-in-starts = Comienza con
console-sign-in-first = El primero está en
console-sign-in-folder = en la carpeta de datos del servidor.
console-sign-in-enter = Iniciar sesión
console-sign-in-wrong = Este token es incorrecto, fue revocado o no da acceso a la consola.
console-sign-in-no-token = Esto no es un token.
