### The way into the console.

console-sign-in-title = Sign in to the console
console-sign-in-lead = With a staff token. It works also while sign-in does not.
console-sign-in-token = Your token
console-sign-in-starts = It starts with
console-sign-in-first = The first one lies in
console-sign-in-folder = in the server’s data folder.
console-sign-in-enter = Sign in
console-sign-in-wrong = This token is wrong, was withdrawn, or does not open the console.
console-sign-in-no-token = This is not a token.
