/** The server's own routes: a tenant starts jobs, watches its own, and decides what they ask. */
import { Engine, Intent } from "effect-converge"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { support } from "./program.ts"
import { authenticated, Tenant } from "./tenants.ts"

/** The moment at which the server begins to close. Streams that stayed open would hold it up. */
export class Closing extends Context.Service<Closing, Deferred.Deferred<void>>()("shop/Closing") {
  static readonly layer = Layer.effect(Closing, Deferred.make<void>())
  /** On top of the layer that serves, so that it is the first to close. */
  static readonly told = Layer.effectDiscard(
    Effect.flatMap(Closing, (closing) => Effect.addFinalizer(() => Deferred.succeed(closing, undefined)))
  )
}

class NoSuchJob extends Schema.TaggedError<NoSuchJob>()("NoSuchJob", {}) {}

const Decided = Schema.Struct({ approval: Schema.String, approved: Schema.Boolean, reason: Schema.String })

/**
 * The job of the path, if it is one of the tenant. Another tenant's job is answered as one that does not exist. An engine has no
 * look-up of a job by its id, but over a durable store `resume` gives the handle of a job that runs, waits or has ended.
 */
const ownJob = Effect.gen(function* () {
  const { name } = yield* Tenant
  const { job = "" } = yield* HttpRouter.params
  if (!job.startsWith(`${name}.`)) return yield* new NoSuchJob()
  return yield* Engine.resume(support, job).pipe(
    Effect.catchIf(
      (error) => error._tag === "StoreError" && error.reason === "missing",
      () => new NoSuchJob()
    )
  )
})

const start = Effect.gen(function* () {
  const { name } = yield* Tenant
  const tickets = yield* HttpServerRequest.schemaBodyJson(Schema.Record(Schema.String, Schema.String))
  // The job lives in the engine's scope, and goes on when the request has been answered.
  const { id } = yield* Engine.start(support, { tenant: name, tickets }, { id: `${name}.${randomUUID()}` })
  return HttpServerResponse.jsonUnsafe({ job: id }, { status: 202 })
})

const show = Effect.gen(function* () {
  const job = yield* ownJob
  const { state, usage } = yield* job.status
  const approvals = (yield* job.approvals).map(({ id, question }) => ({ id, question }))
  const output = state === "converged" ? (yield* job.result).output : null
  return HttpServerResponse.jsonUnsafe({ state, tokens: usage.tokens, approvals, output })
})

// Only what a customer may see: no agents, no errors, no traces.
const events = Effect.gen(function* () {
  const job = yield* ownJob
  const closing = yield* Closing
  const lines = job.events.pipe(
    Stream.map(({ _tag, cycle, seq }) => `id: ${seq}\nevent: ${_tag}\ndata: ${JSON.stringify({ cycle })}\n\n`),
    Stream.interruptWhen(Deferred.await(closing)),
    Stream.encodeText
  )
  return HttpServerResponse.stream(lines, {
    contentType: "text/event-stream",
    headers: { "cache-control": "no-store" }
  })
})

const decide = Effect.gen(function* () {
  const { name } = yield* Tenant
  const job = yield* ownJob
  const decision = yield* HttpServerRequest.schemaBodyJson(Decided)
  yield* job.signal([Intent.Decision.of({ ...decision, by: name })])
  return HttpServerResponse.empty({ status: 204 })
})

const refusal = (status: number) => (error: { readonly message: string }) =>
  Effect.succeed(HttpServerResponse.text(error.message, { status }))

type Failure = Effect.Error<typeof start | typeof show | typeof events | typeof decide>

/** Answers what a client did wrong. Everything else is a fault of the server. */
const answered = <R>(route: Effect.Effect<HttpServerResponse.HttpServerResponse, Failure, R>) =>
  route.pipe(
    Effect.catchTags({
      SchemaError: refusal(400),
      HttpServerError: refusal(400),
      InvalidInput: refusal(400),
      NoSuchJob: () => Effect.succeed(HttpServerResponse.text("there is no such job", { status: 404 })),
      SignalRefused: refusal(409),
      JobHalted: refusal(409),
      AdmissionRejected: refusal(503)
    }),
    Effect.orDie
  )

export const ownRoutes = (tenants: string) =>
  Layer.mergeAll(
    HttpRouter.add("POST", "/tickets", answered(start)),
    HttpRouter.add("GET", "/tickets/:job", answered(show)),
    HttpRouter.add("GET", "/tickets/:job/events", answered(events)),
    HttpRouter.add("POST", "/tickets/:job/decisions", answered(decide))
  ).pipe(
    Layer.provide(authenticated(tenants)),
    Layer.merge(HttpRouter.add("GET", "/", HttpServerResponse.text("the shop's own server\n")))
  )
