/**
 * Removes the folders of this machine from texts. Clients read the error of a module that did not load, and the platform's error
 * gives the module's path on the machine.
 *
 * Boundary: a pure function.
 */

/** Matches the folders of an absolute path, POSIX or Windows, also in a `file:` URL. It does not match other URLs. */
const folders = /(?:\bfile:\/\/|(?<![\w.:/\\-]))(?:\/?[A-Za-z]:)?(?:[/\\][^\s/\\'"`,:;()]+)+[/\\]/g

/** Replaces every absolute path in a text by the name of its file. */
export const placeless = (text: string): string => text.replace(folders, "")
