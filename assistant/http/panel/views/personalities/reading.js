// What to read aloud for a sample: 15 to 20 seconds of connected speech with many sounds, statements and a question.

export const TEXTS = {
  en:
    "Good morning, and welcome to our shop! The bread is still warm, the apples are crisp, and the coffee was roasted " +
    "yesterday. Are you looking for something special? Just ask me, and we will find it together. Thank you for your " +
    "visit, and see you soon.",
  es:
    "¡Buenos días y bienvenido a nuestra tienda! El pan todavía está caliente, las manzanas crujen y el café se tostó " +
    "ayer mismo. ¿Busca usted algo especial? Pregúnteme y lo encontraremos juntos. Muchas gracias por su visita, y " +
    "hasta muy pronto.",
};

/** What to hear a voice with. */
export const TRIALS = {
  en: "We are open until eight o'clock. Would you like me to show you where the umbrellas are?",
  es: "Abrimos hasta las ocho. ¿Quiere que le enseñe dónde están los paraguas?",
};
