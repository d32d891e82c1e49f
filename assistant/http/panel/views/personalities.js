// Personalities: all of them, one of them, or a new one.

import { createPage } from "./personalities/create.js";
import { editorPage } from "./personalities/editor.js";
import { listPage } from "./personalities/list.js";

export default {
  name: "personalities",
  icon: "personalities",
  mount(root, context) {
    const [id] = context.path;
    if (id === undefined) return listPage(root, context);
    return id === "new" ? createPage(root, context) : editorPage(root, context, id);
  },
};
