// Texts of the personalities' pages; too many for one file.

import en from "./personalities/en.js";
import es from "./personalities/es.js";

export default { en, es };
