/**
 * The routes about the server itself: programs, health, metrics, and its documentation.
 *
 * The page of /docs is Effect's Swagger UI. It is self-contained and large, so it is loaded at its first request. The page of
 * /inspector is our own, and small. Boundary: nothing here touches a job.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSwagger from "effect/http-api/HttpApiSwagger"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { type Program } from "../program/Program.ts"
import { sha256 } from "../values/sha256.ts"
import { Api, Sender } from "./api.ts"
import { Core } from "./core.ts"
import { apiAt, documentOf } from "./document.ts"
import { sealed, spelledOnce } from "./guard.ts"
import { isUnchanged } from "./headers.ts"
import { consolePage } from "./consolePage.ts"
import { plain } from "./json.ts"
import { exposition } from "./exposition.ts"
import { noteAtOnce } from "./metrics.ts"
import { packageVersion } from "../platform/packageVersion.ts"
import { isAllowed, permitAll } from "./permits.ts"
import type * as Shapes from "./shapes.ts"
import { engineIntents } from "../program/answerKinds.ts"
import {
  type CompiledProgram,
  type ErasedAgent,
  type ErasedConcurrency,
  type ErasedKind,
  compiledOf
} from "../program/erased.ts"
import { isPackages } from "../program/typeIds.ts"

/** The JSON Schema of a schema; if it has none, the JSON Schema that accepts anything. */
const schemaOf = (schema: Schema.Constraint): Schema.Json => {
  try {
    const { definitions, schema: root } = Schema.toJsonSchemaDocument(schema)
    return plain(Object.keys(definitions).length === 0 ? root : { ...root, $defs: definitions })
  } catch {
    return {}
  }
}

const ruleOf = ({ conflict }: ErasedKind): (typeof Shapes.Graph.Type)["kinds"][number]["conflict"] =>
  typeof conflict === "function" ? "combine" : conflict

/** The kinds of a program, without those of the package that no agent sees, nobody sends and no declared intent brings. */
const usedKinds = ({ agents, intents, kinds, signals }: CompiledProgram): ReadonlyArray<ErasedKind> => {
  const used = new Set([
    ...signals,
    ...agents.flatMap(({ visible, writes }) => [...visible, ...writes].map(({ name }) => name)),
    ...[...intents.values()].flatMap(({ answers }) => answers.map(({ name }) => name))
  ])
  // Kinds that nothing uses were declared by the program itself, unless they are the package's own.
  return [...kinds.values()].filter((kind) => used.has(kind.name) || !isPackages(kind))
}

/** The kinds of intents that agents declare, and those of the engine whose answers the program has to do with. */
const intentsIn = (
  { intents }: CompiledProgram,
  used: ReadonlyArray<ErasedKind>
): (typeof Shapes.Graph.Type)["intents"] => [
  ...[...intents.values()].map(({ answers, isRecord, name }) => ({
    name,
    answers: answers.map((kind) => kind.name),
    by: isRecord ? ("nobody" as const) : ("handler" as const)
  })),
  ...engineIntents
    .filter(({ answer }) => used.some((kind) => kind.name === answer.name && isPackages(kind)))
    .map(({ answer, name }) => ({ name, answers: [answer.name], by: "engine" as const }))
]

const agentOf = (
  { concurrency, each, fold, intents, join, name, timeoutMs, type, visible, writes }: ErasedAgent,
  tier: number
): (typeof Shapes.Graph.Type)["agents"][number] => ({
  name,
  form: join !== undefined ? "join" : fold !== undefined ? "fold" : type,
  tier,
  each: each?.name ?? null,
  reads: visible.map((kind) => kind.name),
  writes: writes.map((kind) => kind.name),
  intents: intents.map((kind) => kind.name),
  timeoutMs: timeoutMs ?? null,
  ...(concurrency === undefined ? {} : { concurrency: concurrencyOf(concurrency) })
})

const concurrencyOf = ({ gapMs, limit, per }: ErasedConcurrency) => ({
  limit: limit === Infinity ? null : limit,
  gapMs,
  isPerKey: per !== undefined
})

/** The agents with their reads, writes and intents, and everything else that a picture of the program shows. */
const graphOf = (program: CompiledProgram): typeof Shapes.Graph.Type => {
  const used = usedKinds(program)
  return {
    agents: program.agents.map((agent, index) => agentOf(agent, program.tierOf[index] ?? 0)),
    kinds: used.map((kind) => ({
      name: kind.name,
      conflict: ruleOf(kind),
      latest: kind.retention === "all" ? null : kind.retention.latest
    })),
    intents: intentsIn(program, used),
    signals: [...program.signals],
    invariants: (["structural", "semantic", "acceptance"] as const).flatMap((sort) =>
      program[sort].map(({ name }) => ({ name, class: sort }))
    )
  }
}

/** A program as the API shows it. */
export const infoOf = (program: Program.Any): typeof Shapes.ProgramInfo.Type => {
  const compiled = compiledOf(program)
  const { agents, input, kinds, name, output, version } = compiled
  return {
    name,
    version,
    agents: agents.map((agent) => agent.name),
    kinds: [...kinds.values()].map((kind: ErasedKind) => ({ name: kind.name, schema: schemaOf(kind.schema) })),
    input: schemaOf(input),
    // Without a schema, only the program's type describes its output.
    output: output?.schema === undefined ? {} : schemaOf(output.schema),
    graph: graphOf(compiled)
  }
}

export const programRoutes = HttpApiBuilder.group(
  Api,
  "programs",
  Effect.fnUntraced(function* (handlers) {
    const { directory } = yield* Core
    const programs = [...directory.programs.values()].map(infoOf)
    return handlers.handle("list", () =>
      Effect.map(Sender, (access) => ({ programs: programs.filter(({ name }) => isAllowed(access, name)) }))
    )
  })
)

/** The answer of /health, made once. */
export const alive = sealed(HttpServerResponse.text("ok"))

export const healthRoutes = HttpApiBuilder.group(
  Api,
  "health",
  Effect.fnUntraced(function* (handlers) {
    const { readiness } = yield* Core
    return handlers
      .handle("live", () => Effect.succeed(alive))
      .handle("ready", () =>
        Effect.map(readiness, (found) =>
          HttpServerResponse.text(JSON.stringify(found), {
            status: found.status === "ready" ? 200 : 503,
            contentType: "application/json"
          })
        )
      )
  })
)

export const metricRoutes = HttpApiBuilder.group(
  Api,
  "metrics",
  Effect.fnUntraced(function* (handlers) {
    const core = yield* Core
    return handlers.handle("get", () => Effect.andThen(permitAll, Effect.provideService(exposition, Core, core)))
  })
)

/** The content security policy of /docs: the page may run its own scripts, and ask this server. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

/**
 * Serves a page that stays the same while the server runs. A client that has it already gets a 304. The tag is weak, since
 * the bytes depend on the coding.
 */
const page = <R>(path: string, made: Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>) =>
  Effect.map(Effect.cached(made), (cached) =>
    spelledOnce(
      Effect.gen(function* () {
        const response = yield* cached
        const { headers } = yield* HttpServerRequest
        const etag = response.headers["etag"] ?? ""
        const isThere = isUnchanged(headers["if-none-match"], etag)
        noteAtOnce(path, "GET", isThere ? 304 : 200)
        return isThere
          ? HttpServerResponse.empty({
              status: 304,
              headers: { etag, "cache-control": "no-cache", vary: "accept-encoding" }
            })
          : response
      })
    )
  )

/** A page, with an entity tag made from its text. */
const tagged = (text: string, contentType: string, policy?: string): HttpServerResponse.HttpServerResponse =>
  sealed(
    HttpServerResponse.text(text, {
      contentType,
      headers: {
        etag: `W/"${sha256(text).slice(0, 32)}"`,
        "cache-control": "no-cache",
        ...(policy === undefined ? {} : { "content-security-policy": policy })
      }
    })
  )

const html = "text/html; charset=utf-8"

/** The text of Effect's page. */
const textOf = ({ body }: HttpServerResponse.HttpServerResponse): string =>
  body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""

/** /openapi.json, /docs, and /inspector with its layout engine. */
export const documentRoutes = (prefix: string): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const scope = yield* Effect.scope
      const version = packageVersion
      const api = apiAt(prefix, version)
      const swagger = Effect.suspend(() =>
        Effect.provideService(HttpRouter.toHttpEffect(HttpApiSwagger.layer(api, { path: "/docs" })), Scope.Scope, scope)
      )
      const document = Effect.sync(() => tagged(JSON.stringify(documentOf(prefix, version)), "application/json"))
      yield* router.add("GET", "/openapi.json", yield* page("/openapi.json", document))
      const docs = Effect.map(Effect.orDie(Effect.flatten(swagger)), (served) =>
        tagged(textOf(served), html, pagePolicy)
      )
      yield* router.add("GET", "/docs", yield* page("/docs", docs))
      const console = Effect.sync(() => {
        const { html: text, policy } = consolePage()
        return tagged(text, html, policy)
      })
      yield* router.add("GET", "/inspector", yield* page("/inspector", console))
      const layout = Effect.map(
        Effect.promise(() => import("./consoleLayout.ts")),
        ({ consoleLayout }) => tagged(consoleLayout(), "text/javascript; charset=utf-8", "default-src 'none'")
      )
      yield* router.add("GET", "/inspector/layout.js", yield* page("/inspector/layout.js", layout))
    })
  )
