/**
 * `effect-converge/client`: jobs of a server, typed by their programs.
 *
 * Importing this loads no server, no engine and no store. Boundary: the public names.
 */
export * as Client from "./Client.ts"
