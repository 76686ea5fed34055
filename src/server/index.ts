/**
 * `effect-converge/server`: jobs over HTTP.
 *
 * Importing this loads an HTTP server; the package's root loads none. Boundary: the public names.
 */
export * as Server from "./Server.ts"
