/**
 * Imports a module, and finds the programs, the handlers of intents and the layer that it exports.
 *
 * A module exports programs and handlers, or arrays of them (the same one twice is one) and, if its agents or handlers need
 * services, `layer`.
 * Boundary: the module system; every failure is a `UsageError` with the module's own message.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { spawnSync } from "node:child_process"
import { statSync } from "node:fs"
import { registerHooks } from "node:module"
import { resolve } from "node:path"
import process from "node:process"
import { fileURLToPath, pathToFileURL } from "node:url"
import { inspect } from "node:util"
import type { Handler } from "../engine/Engine.ts"
import { isProvided } from "../engine/handlerTypes.ts"
import { exportsOf } from "../program/moduleExports.ts"
import { isProgram, type Program } from "../program/Program.ts"
import { UsageError } from "./exitCode.ts"
import { printable, table } from "./text.ts"
import { compiledOf } from "../program/erased.ts"

/** The programs, the handlers and the layer that a module exports. */
export interface LoadedModule {
  /** The name, as it was given on the command line. */
  readonly name: string
  readonly programs: ReadonlyArray<Program.Any>
  /** The handlers of intents, one for each kind. They run with the services of `layer`. */
  readonly handlers: ReadonlyArray<Handler>
  readonly layer: Layer.Any | undefined
}

/** Imports a module: a path, relative to the working folder, or a package's specifier, as that folder would resolve it. */
export const load = (specifier: string): Effect.Effect<LoadedModule, UsageError> =>
  Effect.gen(function* () {
    const url = yield* locate(specifier)
    const module = yield* Effect.tryPromise({
      try: () => import(url) as Promise<Readonly<Record<string, unknown>>>,
      catch: (error) => importFailed(specifier, url, error)
    })
    const exports = exportsOf(module)
    const layer = exports["layer"]
    if (layer !== undefined && !Layer.isLayer(layer)) {
      return yield* new UsageError({ message: `${specifier}: its export "layer" is not a Layer` })
    }
    const programs = yield* programsOf(specifier, exports)
    const handlers = yield* handlersOf(specifier, itemsOf(exports).filter(isProvided))
    return { name: specifier, programs, handlers, layer }
  })

/** The exports of a module, and the items of those that are arrays. */
const itemsOf = (exports: Readonly<Record<string, unknown>>): ReadonlyArray<unknown> =>
  Object.values(exports).flatMap((exported): ReadonlyArray<unknown> =>
    Array.isArray(exported) ? exported : [exported]
  )

/** Handlers, each once. Refuses two of one kind, since only one of them would be called. `owner` exports them. */
export const handlersOf = (
  owner: string,
  exported: ReadonlyArray<Handler>
): Effect.Effect<ReadonlyArray<Handler>, UsageError> => {
  const byKind = new Map<string, Handler>()
  for (const handler of exported) {
    const present = byKind.get(handler.kind)
    if (present !== undefined && present !== handler) {
      const message = `${owner}: there are two handlers of the intents ${JSON.stringify(handler.kind)}`
      return Effect.fail(new UsageError({ message }))
    }
    byKind.set(handler.kind, handler)
  }
  return Effect.succeed([...byKind.values()])
}

/** The handlers of several modules. */
export const handlersOfAll = (
  modules: ReadonlyArray<LoadedModule>
): Effect.Effect<ReadonlyArray<Handler>, UsageError> =>
  handlersOf(
    modules.map(({ name }) => name).join(", "),
    modules.flatMap(({ handlers }) => handlers)
  )

/** The program that the user asked for, or the only one of the module. */
export const choose = (module: LoadedModule, name: string | undefined): Effect.Effect<Program.Any, UsageError> => {
  const { programs } = module
  const [first] = programs
  const fail = (message: string): Effect.Effect<never, UsageError> =>
    Effect.fail(new UsageError({ message, details: list(programs) }))
  if (first === undefined) {
    return Effect.fail(
      new UsageError({
        message: `${module.name} exports no program`,
        details: "A module exports what Program.make returns, or arrays of it."
      })
    )
  }
  if (name === undefined) {
    return programs.length === 1
      ? Effect.succeed(first)
      : fail(`${module.name} exports ${programs.length} programs: choose one with --program`)
  }
  const program = programs.find((candidate) => candidate.name === name)
  return program === undefined
    ? fail(`${module.name} exports no program ${JSON.stringify(name)}; choose one of these:`)
    : Effect.succeed(program)
}

const list = (programs: ReadonlyArray<Program.Any>): string =>
  table(
    programs.map((program) => {
      const agents = compiledOf(program).agents.map((agent) => agent.name)
      return [`  ${program.name}`, `(${agents.length === 0 ? "no agents" : agents.join(", ")})`]
    })
  ).join("\n")

const programsOf = (
  specifier: string,
  exports: Readonly<Record<string, unknown>>
): Effect.Effect<ReadonlyArray<Program.Any>, UsageError> => {
  const found = new Map<string, Program.Any>()
  for (const value of itemsOf(exports)) {
    if (!isProgram(value)) continue
    const present = found.get(value.name)
    if (present !== undefined && present !== value) {
      const message = `${specifier} exports two programs called ${JSON.stringify(value.name)}`
      return Effect.fail(new UsageError({ message }))
    }
    found.set(value.name, value)
  }
  return Effect.succeed([...found.values()])
}

/** Whether an argument means a module: it looks like a path or an address, or a file or a package has this name. */
export const isModule = (specifier: string): Effect.Effect<boolean> =>
  /^(\.{0,2}[\\/]|file:)|\.[cm]?[jt]sx?$/.test(specifier)
    ? Effect.succeed(true)
    : Effect.match(locate(specifier), { onFailure: () => false, onSuccess: () => true })

const locate = (specifier: string): Effect.Effect<string, UsageError> =>
  Effect.try({
    try: () => {
      if (specifier.startsWith("file:")) return specifier
      const path = resolve(specifier)
      const found = statSync(path, { throwIfNoEntry: false })
      if (found?.isFile() === true) return pathToFileURL(path).href
      if (found !== undefined) throw new Error("it is not a file")
      if (/^\.{0,2}[\\/]/.test(specifier)) throw new Error("there is no such file")
      return resolvePackage(specifier)
    },
    catch: (error) => {
      const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND"
      const reason = error instanceof Error ? error.message : String(error)
      const why = isMissing ? "there is no such file, and no such package" : reason
      return new UsageError({ message: `cannot find ${specifier}: ${why}` })
    }
  })

/** Resolves a bare specifier as a module in the working folder would. */
const resolvePackage = (specifier: string): string => {
  const parentURL = pathToFileURL(`${process.cwd()}/`).href
  const hooks = registerHooks({
    resolve: (asked, context, next) => next(asked, asked === specifier ? { ...context, parentURL } : context)
  })
  try {
    return import.meta.resolve(specifier)
  } finally {
    hooks.deregister()
  }
}

const importFailed = (specifier: string, url: string, error: unknown): UsageError => {
  if (isInvalidProgram(error)) {
    const program = error.program === "" ? "" : ` ${JSON.stringify(error.program)}`
    return new UsageError({ message: `${specifier}: invalid program${program}: ${printable(error.message)}` })
  }
  const details = error instanceof Error ? (whereOf(url, error) ?? stackOf(error)) : inspect(error)
  return new UsageError({ message: `cannot import ${specifier}`, details: printable(details) })
}

const isInvalidProgram = (error: unknown): error is { readonly program: string; readonly message: string } =>
  error instanceof Error && "_tag" in error && error._tag === "InvalidProgram" && "program" in error

/** The stack without the frames of Node's loader. */
const stackOf = (error: Error): string => {
  const lines = (error.stack ?? String(error)).split("\n")
  return lines.filter((line) => !/^\s+at .*\(?node:internal\//.test(line)).join("\n")
}

/**
 * The line of a syntax error. Node prints that line, but the error does not contain it, so a process of its own checks the
 * file once more.
 */
const whereOf = (url: string, error: Error): string | undefined => {
  if (!(error instanceof SyntaxError) || error.stack?.startsWith("SyntaxError") !== true) return undefined
  const checked = spawnSync(process.execPath, ["--check", fileURLToPath(url)], { encoding: "utf8", timeout: 10_000 })
  const text = checked.status === 0 ? "" : checked.stderr
  const end = text.indexOf("\n    at ")
  return text === "" ? undefined : text.slice(0, end === -1 ? text.length : end).trim()
}
