/**
 * The place of the jobs that a command is about: a file (`--store`) or a running server (`--server`).
 *
 * A flag wins over the environment. Two flags, or two variables and no flag, are an error: the command would otherwise pick a
 * place in silence (docs/decisions/0115). Boundary: flags and variables in, a place out; nothing is opened.
 */
import * as Effect from "effect/Effect"
import process from "node:process"
import { UsageError } from "./exitCode.ts"
import { printable } from "./text.ts"

/** The variables that name the file, the server, and the server's token. */
export const storeVariable = "CONVERGE_STORE"
export const serverVariable = "CONVERGE_SERVER"
export const tokenVariable = "CONVERGE_TOKEN"

/** The two flags, as they were given. */
export interface Placed {
  readonly store: string | undefined
  readonly server: string | undefined
}

export interface AFile {
  readonly _tag: "File"
  readonly filename: string
}

export interface AServer {
  readonly _tag: "Server"
  /** The address, without a slash at its end. */
  readonly url: string
  readonly token: string | undefined
}

export type Place = AFile | AServer

const usage = (message: string) => Effect.fail(new UsageError({ message: printable(message) }))

/** A variable of the environment. An empty one counts as not set. */
const variable = (name: string): string | undefined => {
  const value = process.env[name]
  return value === "" ? undefined : value
}

/** The file and the server that the environment names. */
export const storeOfEnvironment = (): string | undefined => variable(storeVariable)
export const serverOfEnvironment = (): string | undefined => variable(serverVariable)

const fileAt = (filename: string): Effect.Effect<AFile, UsageError> =>
  filename.trim() === "" ? usage("--store needs the path of a file") : Effect.succeed({ _tag: "File", filename })

/** An address without the name and the password in it. */
const withoutPassword = (text: string): string => text.replace(/^([^/]*\/\/)?.*@/s, "$1")

const serverAt = (text: string): Effect.Effect<AServer, UsageError> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") {
    return usage(`--server needs an address such as http://localhost:8080, not ${withoutPassword(text)}`)
  }
  if (url.username !== "" || url.password !== "") {
    const address = withoutPassword(text)
    return usage(`--server takes no name and no password (${address}): the token of a server is ${tokenVariable}`)
  }
  // The variable of a server may hold several tokens.
  const token = variable(tokenVariable)?.split(",")[0]
  return Effect.succeed({ _tag: "Server", url: text.replace(/\/+$/, ""), token: token === "" ? undefined : token })
}

/** The place that the flags name. Undefined if there is no flag. */
const ofFlags = ({ server, store }: Placed): Effect.Effect<Place | undefined, UsageError> => {
  if (store !== undefined && server !== undefined) return usage("give --store or --server, and not both")
  if (store !== undefined) return fileAt(store)
  return server === undefined ? Effect.succeed(undefined) : serverAt(server)
}

/** The place that the flags or the environment name. Undefined if neither does. */
export const givenPlace = (given: Placed): Effect.Effect<Place | undefined, UsageError> =>
  Effect.flatMap(ofFlags(given), (place): Effect.Effect<Place | undefined, UsageError> => {
    if (place !== undefined) return Effect.succeed(place)
    const [store, server] = [storeOfEnvironment(), serverOfEnvironment()]
    if (store !== undefined && server !== undefined) {
      return usage(
        `${storeVariable} and ${serverVariable} are both set: give --store or --server, or unset one of them`
      )
    }
    if (store !== undefined) return fileAt(store)
    return server === undefined ? Effect.succeed(undefined) : serverAt(server)
  })

/** The place of the jobs of a command that needs one. */
export const placeOf = (given: Placed): Effect.Effect<Place, UsageError> =>
  Effect.flatMap(givenPlace(given), (place) =>
    place === undefined
      ? usage(`where are the jobs? Give --store or --server, or set ${storeVariable} or ${serverVariable}`)
      : Effect.succeed(place)
  )

/** The file of a command that only a file can do. `why` follows the name of the flag, and says what to do instead. */
export const fileOnly = (given: Placed, why: string): Effect.Effect<string, UsageError> => {
  if (given.server !== undefined && given.store === undefined) return usage(`--server: ${why}`)
  const store = given.store ?? storeOfEnvironment()
  // A server of the environment is meant for other commands.
  if (store !== undefined) return Effect.map(placeOf({ ...given, store }), () => store)
  const server = serverOfEnvironment()
  return server === undefined
    ? usage(`which file? Give --store, or set ${storeVariable}`)
    : usage(`${serverVariable} is set, and --store is not: ${why}`)
}

/** The server of a command that only a server can do. `why` follows the name of the flag, and says what to do instead. */
export const serverOnly = (given: Placed, why: string): Effect.Effect<AServer, UsageError> => {
  if (given.store !== undefined && given.server === undefined) return usage(`--store: ${why}`)
  const server = given.server ?? serverOfEnvironment()
  if (server !== undefined) return Effect.andThen(ofFlags({ ...given, server }), serverAt(server))
  return storeOfEnvironment() === undefined
    ? usage(`which server? Give --server, or set ${serverVariable}`)
    : usage(`${storeVariable} is set, and --server is not: ${why}`)
}
