/**
 * Texts without the folders of this machine. Clients read what is said of a module that did not load, and an error of the
 * platform says where on the machine the module is.
 *
 * Boundary: a pure function.
 */

/** Folders of an absolute path, POSIX or Windows, perhaps in a file's URL. Those of a URL of another kind are none. */
const folders = /(?:\bfile:\/\/|(?<![\w.:/\\-]))(?:\/?[A-Za-z]:)?(?:[/\\][^\s/\\'"`,:;()]+)+[/\\]/g

/** A text in which every absolute path is the name of its file. */
export const placeless = (text: string): string => text.replace(folders, "")
