/** Texts of strangers, so that what they say can be seen. Boundary: a text in, a text out. */

/** Control characters and direction marks would hide what a text says: they are shown as their code points. */
export const visible = (text: string): string =>
  text.replace(
    /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]|[\uD800-\uDFFF]/gu,
    (mark) => {
      const code = mark.codePointAt(0) ?? 0
      return `\u27E8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27E9`
    }
  )
