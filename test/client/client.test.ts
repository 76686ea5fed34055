/**
 * `Client.program`: jobs of a server, typed by their program, over a real connection, also one that breaks.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createServer, connect, type Socket } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Client } from "../../src/client/index.ts"
import { Agent, Fact, Intent, Program } from "../../src/index.ts"
import { node } from "../support/node.ts"
import { makeGate } from "../support/behaviour/harness.ts"
import { metricsOf, type Running, serve } from "../support/server/harness.ts"
import { until } from "../support/until.ts"

const Order = Fact.kind("Order", {
  schema: Schema.Struct({ n: Schema.Int, at: Schema.DateTimeUtcFromString }),
  id: ({ n }) => String(n)
})
const Sum = Fact.kind("Sum", { schema: Schema.Struct({ n: Schema.Int }), id: () => "sum", conflict: "keepLast" })

const add = Agent.make("add", {
  reads: [Order],
  writes: [Sum],
  execute: (view) =>
    Effect.succeed({ facts: [Sum.of({ n: view.all(Order).reduce((sum, { value }) => sum + value.n, 0) })] })
})

const input = Schema.Struct({ orders: Schema.Array(Schema.Int), since: Schema.DateTimeUtcFromString })

const orders = Program.make("orders", {
  input,
  seed: ({ orders, since }) => orders.map((n) => Order.of({ n, at: since })),
  agents: [add],
  output: (view) => ({ sum: view.all(Sum)[0]?.value.n ?? 0, last: view.all(Order).at(-1)?.value.at })
})

/** The same, with a schema of its output. */
const described = Program.make("described", {
  input,
  seed: ({ orders, since }) => orders.map((n) => Order.of({ n, at: since })),
  agents: [add],
  output: {
    schema: Schema.Struct({ sum: Schema.Int, last: Schema.DateTimeUtcFromString }),
    from: (view) => ({ sum: view.all(Sum)[0]?.value.n ?? 0, last: view.input.since })
  }
})

/** Another version of it, as a client may have it. */
const otherVersion = Program.make("described", {
  input,
  agents: [add],
  output: { schema: Schema.Struct({ sum: Schema.String }), from: () => ({ sum: "" }) }
})

const versioned = (version: string) => Program.make("versioned", { input, version, agents: [], output: () => version })

/** Waits for a decision, and for whatever else it is told. */
const asking = Program.make("asking", {
  input,
  seed: ({ orders, since }) => orders.map((n) => Order.of({ n, at: since })),
  agents: [
    add,
    Agent.make("ask", {
      each: Order,
      execute: ({ id }) => Effect.succeed({ intents: [Intent.approval({ id, question: "go on?" })] })
    })
  ],
  output: (view) => view.all(Sum)[0]?.value.n
})

const noon = Schema.decodeSync(Schema.DateTimeUtcFromString)("2026-01-01T12:00:00.000Z")
const some = { orders: [1, 2], since: noon }

let running: Running
beforeAll(async () => {
  running = await serve({ programs: [orders, described, asking, versioned("1")] })
})
afterAll(() => running.stop())

type Of<P extends Program.Program.Any> = Client.ProgramClient<P>

const asked = <P extends Program.Program.Any, A, E>(
  program: P,
  use: (client: Of<P>) => Effect.Effect<A, E>,
  baseUrl = running.url
): Promise<A> =>
  Effect.runPromise(
    Effect.flatMap(Client.program(program, { baseUrl }), use).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

const until_ = (client: Of<typeof asking>, id: string, state: string) =>
  Effect.promise(() => until(async () => (await Effect.runPromise(client.job(id).status)).state === state))

/** A proxy whose connections can be cut. */
const openProxy = async (to: string) => {
  const { hostname, port } = new URL(to)
  const sockets = new Set<Socket>()
  let connections = 0
  const proxy = createServer((socket) => {
    connections++
    const other = connect({ host: hostname, port: Number(port) })
    sockets.add(socket)
    socket.pipe(other).pipe(socket)
    for (const each of [socket, other]) each.on("error", () => each.destroy()).on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
  const address = proxy.address()
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
    connections: () => connections,
    cut,
    close: () => {
      cut()
      proxy.close()
    }
  }
}

describe("Client.program", () => {
  it("runs a job with an input of the program's type, and gives its output as JSON", async () => {
    const result = await asked(orders, ({ run }) => run(some))
    expect(result).toMatchObject({ program: "orders", status: "converged", facts: { Order: 2, Sum: 1 }, error: null })
    const sum: number = result.output.sum
    expect([sum, result.output.last]).toEqual([3, "2026-01-01T12:00:00.000Z"])
  })

  it("decodes the output by the program's schema of it, of a run and of a handle", async () => {
    const [ran, held] = await asked(described, ({ job, run }) =>
      Effect.all([run(some, { id: "described" }), job("described").result])
    )
    const last: DateTime.Utc = ran.output.last
    expect(DateTime.isDateTime(last)).toBe(true)
    expect([ran.output.sum, DateTime.formatIso(last)]).toEqual([3, "2026-01-01T12:00:00.000Z"])
    expect(DateTime.isDateTime(held.output.last)).toBe(true)
  })

  it("fails with a SchemaError where an output does not fit the client's schema of it", async () => {
    const error = await asked(otherVersion, ({ run }) => Effect.flip(run(some)))
    expect(error).toMatchObject({ _tag: "SchemaError" })
    expect(String(error)).toContain("sum")
  })

  it("refuses the result of a job of another program, and of another version of its program", async () => {
    await asked(orders, ({ run }) => run(some, { id: "of orders" }))
    const other = await asked(described, ({ job }) => Effect.flip(job("of orders").result))
    expect(other).toMatchObject({ _tag: "ProgramChanged", jobId: "of orders", program: "orders" })
    expect("detail" in other && other.detail).toBe(
      'the job of orders is of the program "orders", and the client is of "described": make a client of "orders"'
    )
    const same = await asked(versioned("1"), ({ job, run }) =>
      Effect.all([run(some, { id: "of 1" }), job("of 1").result])
    )
    expect(same.map(({ output }) => output)).toEqual(["1", "1"])
    const undeclared = Program.make("versioned", { input, agents: [], output: () => "" })
    expect((await asked(undeclared, ({ job }) => job("of 1").result)).output).toBe("1")
    const later = await asked(versioned("2"), ({ job, run }) =>
      Effect.all([Effect.flip(job("of 1").result), Effect.flip(run(some))])
    )
    for (const error of later) {
      expect(error).toMatchObject({ _tag: "ProgramChanged", program: "versioned", from: "1", to: "2" })
      expect("detail" in error && error.detail).toContain("make the client of the same version")
    }
  })

  it("gives the same job for the same id", async () => {
    const [first, second] = await asked(orders, ({ run }) =>
      Effect.all([run(some, { id: "twice" }), run(some, { id: "twice" })])
    )
    expect(first.jobId).toBe("twice")
    expect(second).toEqual(first)
  })

  it("fails with the typed problem of the job's end, from a run and from a handle", async () => {
    const failed = await asked(orders, ({ job, run }) =>
      Effect.all([
        Effect.flip(run(some, { id: "poor", budget: { maxFacts: 1, maxDuration: "10 seconds", maxCycles: Infinity } })),
        Effect.flip(job("poor").result)
      ])
    )
    for (const error of failed) {
      expect(error).toMatchObject({
        _tag: "BudgetExhausted",
        budget: "facts",
        jobId: "poor",
        partial: { status: "budget-exhausted" }
      })
    }
  })

  it("refuses an input that does not fit before anything is sent, and says what the server refuses", async () => {
    const nowhere = "http://127.0.0.1:1"
    const wrong = { orders: [0.5], since: noon }
    const error = await asked(orders, ({ run }) => Effect.flip(run(wrong)), nowhere)
    expect(error).toMatchObject({ _tag: "InvalidInput", program: "orders" })
    expect("detail" in error && error.detail).toMatch(/^input: .*orders/)
    const unknown = Program.make("unknown", { input, agents: [] })
    expect(await asked(unknown, ({ run }) => Effect.flip(run(some)))).toMatchObject({
      _tag: "UnknownProgram",
      program: "unknown"
    })
    for (const id of ["nobody", "..", ".", "", "\ud800"]) {
      const refused = await asked(orders, ({ job }) => Effect.flip(job(id).status))
      expect(refused).toMatchObject({ _tag: "UnknownJob", jobId: id })
      const log = await asked(orders, ({ job }) => Effect.flip(Stream.runDrain(job(id).events())))
      expect(log).toMatchObject({ _tag: "UnknownJob", jobId: id })
    }
  })

  it("fails at once if there is no server", async () => {
    const nowhere = "http://127.0.0.1:1"
    const error = await asked(orders, ({ job }) => Effect.flip(Stream.runDrain(job("any").events())), nowhere)
    expect(error).toMatchObject({ _tag: "HttpClientError" })
  })

  it("starts, watches, steers and signals a job", async () => {
    const told = await asked(asking, (client) =>
      Effect.gen(function* () {
        const job = yield* client.start({ orders: [5], since: noon }, { id: "steered" })
        const events = yield* Effect.forkChild(Stream.runCollect(job.events()))
        yield* until_(client, "steered", "awaiting")
        expect((yield* job.pause).state).toBe("paused")
        expect((yield* job.resume).state).toMatch(/^(running|awaiting)$/)
        yield* job.signal([Intent.Decision.of({ approval: "5", approved: true, by: "test", reason: "" })])
        const result = yield* job.result
        return { result, events: yield* Fiber.join(events) }
      })
    )
    expect(told.result.output).toBe(5)
    expect(told.events.map(({ seq }) => seq)).toEqual(told.events.map((_, index) => index + 1))
    expect(told.events.at(-1)).toMatchObject({ _tag: "JobHalted", status: "converged" })
    const rest = await asked(asking, ({ job }) => Stream.runCollect(job("steered").events({ after: 3 })))
    expect(rest).toEqual(told.events.slice(3))
    expect(
      await asked(asking, ({ job }) => Stream.runCollect(job("steered").events({ after: told.events.length })))
    ).toEqual([])
  })

  it("lists and answers approvals, of a job and of all jobs of the program", async () => {
    const { answered, left, open, refused, result } = await asked(asking, (client) =>
      Effect.gen(function* () {
        const job = yield* client.start({ orders: [2, 1], since: noon }, { id: "approved" })
        yield* until_(client, "approved", "awaiting")
        const open = yield* job.approvals.list
        const all = yield* Stream.runCollect(client.approvals)
        expect(all.filter(({ jobId }) => jobId === "approved")).toEqual(open)
        const first = yield* job.approvals.page({ limit: 1 })
        const second = yield* job.approvals.page({ limit: 1, cursor: first.cursor ?? "" })
        const back = yield* job.approvals.page({ limit: 1, before: second.previous ?? "" })
        expect([first, second, back].map(({ approvals }) => approvals)).toEqual([[open[0]], [open[1]], [open[0]]])
        const page = yield* client.approvalPage({ limit: 1 })
        expect([page.approvals, page.previous]).toEqual([[all[0]], null])
        const answered = yield* job.approvals.answer("2", { decision: "approve", by: "Ada", note: "fine" })
        const refused = yield* Effect.flip(job.approvals.answer("2", { decision: "reject" }))
        const left = yield* job.approvals.list
        yield* job.approvals.answer("1", { decision: "reject" })
        return { answered, left, open, refused, result: yield* job.result }
      })
    )
    expect(open.map(({ id, question }) => [id, question])).toEqual([
      ["1", "go on?"],
      ["2", "go on?"]
    ])
    expect(answered.jobId).toBe("approved")
    const decided = { approved: true, by: "Ada", note: "fine" }
    expect(refused).toMatchObject({ _tag: "SignalRefused", reason: "approval", decided })
    expect(left.map(({ id }) => id)).toEqual(["1"])
    expect(result.facts).toMatchObject({ Decision: 2 })
    expect(await asked(asking, ({ job }) => Effect.flip(job("nobody").approvals.list))).toMatchObject({
      _tag: "UnknownJob"
    })
  })

  it("follows telemetry over a connection that breaks, to the end of the job, and names what is lost", async () => {
    const gate = makeGate()
    const telling = Program.make("telling", {
      input: Schema.Struct({}),
      agents: [
        Agent.make("tell", {
          execute: (view) =>
            Effect.gen(function* () {
              view.progress({ word: "unheard" })
              yield* gate.arrive
              for (const word of ["one", "two", "three"]) view.progress({ word })
              return {}
            })
        })
      ]
    })
    const own = await serve({ programs: [telling, orders] })
    const proxy = await openProxy(own.url)
    try {
      await asked(telling, ({ start }) => start({}, { id: "told" }), own.url)
      const seen: Array<Client.Telemetry> = []
      const watched = asked(
        telling,
        ({ job }) => Stream.runForEach(job("told").telemetry, (item) => Effect.sync(() => void seen.push(item))),
        proxy.url
      )
      await until(() => proxy.connections() === 1)
      await until(async () => (await metricsOf(own)).includes("converge_http_streams 1"))
      proxy.cut()
      await Effect.runPromise(gate.open)
      await watched
      expect(seen.map((item) => (item._tag === "TaskProgress" ? item.value : item._tag))).toEqual([
        ...[{ word: "one" }, { word: "two" }, { word: "three" }],
        ...["TaskEnded", "Ended"]
      ])
      expect(proxy.connections()).toBe(2)
      // The job has ended, and nothing of it is kept.
      await asked(orders, ({ run }) => run(some, { id: "over" }), own.url)
      const halted = await asked(orders, ({ job }) => Effect.flip(Stream.runDrain(job("over").telemetry)), own.url)
      expect(halted).toMatchObject({ _tag: "JobHalted", jobStatus: "converged" })
    } finally {
      proxy.close()
      await own.stop()
    }
  })

  it("goes on with the log where it was when a connection breaks", async () => {
    const proxy = await openProxy(running.url)
    const { url } = proxy
    try {
      const seen: Array<Client.Event> = []
      const watched = asked(
        asking,
        ({ job }) => Stream.runForEach(job("broken").events(), (event) => Effect.sync(() => void seen.push(event))),
        url
      )
      // The job is started when the viewer has been refused once: the client takes UnknownJob for an answer.
      await expect(watched).rejects.toMatchObject({ _tag: "UnknownJob" })
      await asked(asking, ({ start }) => start({ orders: [7], since: noon }, { id: "broken" }))
      const again = asked(
        asking,
        ({ job }) => Stream.runForEach(job("broken").events(), (event) => Effect.sync(() => void seen.push(event))),
        url
      )
      await until(() => seen.some(({ _tag }) => _tag === "JobAwaiting"))
      const before = proxy.connections()
      proxy.cut()
      await until(() => proxy.connections() > before)
      await asked(asking, ({ job }) =>
        job("broken").signal([Intent.Decision.of({ approval: "7", approved: true, by: "test", reason: "" })])
      )
      await again
      expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1))
      expect(seen.at(-1)).toMatchObject({ _tag: "JobHalted" })
    } finally {
      proxy.close()
    }
  })

  it("gives jobs attributes, lists those of its program by them, page by page in both directions, and deletes one", async () => {
    const attributes = { customer: "Ada: & =", batch: "1" }
    const seen = await asked(orders, (client) =>
      Effect.gen(function* () {
        for (const id of ["list 1", "list 2", "list 3"]) yield* client.run(some, { id, attributes })
        yield* client.run(some, { id: "list 4", attributes: { batch: "1" } })
        const first = yield* client.jobs({ attributes, limit: 2 })
        const second = yield* client.jobs({ attributes, limit: 2, cursor: first.cursor ?? "" })
        const back = yield* client.jobs({ attributes, limit: 2, before: second.previous ?? "" })
        const batch = yield* client.jobs({ attributes: { batch: "1" }, status: "converged" })
        const unfinished = yield* client.jobs({ attributes, status: "unfinished" })
        const deleted = yield* client.job("list 2").delete
        const left = yield* client.jobs({ attributes })
        const again = yield* Effect.flip(client.job("list 2").delete)
        const other = yield* Effect.flip(client.run(some, { id: "list 1", attributes: { batch: "2" } }))
        const status = yield* client.job("list 1").status
        return { first, second, back, batch, unfinished, deleted, left, again, other, status }
      })
    )
    const ids = ({ jobs }: Client.JobPage) => jobs.map(({ jobId }) => jobId)
    expect([...ids(seen.first), ...ids(seen.second)].toSorted()).toEqual(["list 1", "list 2", "list 3"])
    expect(seen.first.previous).toBe(null)
    expect(seen.second.cursor).toBe(null)
    expect(seen.back).toEqual(seen.first)
    expect(ids(seen.batch)).toHaveLength(4)
    expect(ids(seen.unfinished)).toEqual([])
    expect(seen.deleted).toBe(1)
    expect(ids(seen.left).toSorted()).toEqual(["list 1", "list 3"])
    expect(seen.again._tag).toBe("UnknownJob")
    expect(seen.other._tag).toBe("JobExists")
    expect(seen.status.attributes).toEqual(attributes)
    const none = await asked(described, ({ jobs }) => jobs({ attributes }))
    expect(none).toEqual({ jobs: [], cursor: null, previous: null })
  })

  it("does not delete a job that has not ended", async () => {
    const error = await asked(asking, (client) =>
      Effect.gen(function* () {
        const job = yield* client.start({ orders: [1], since: noon }, { id: "stays" })
        yield* until_(client, "stays", "awaiting")
        const error = yield* Effect.flip(job.delete)
        yield* job.cancel
        expect(yield* job.delete).toBe(1)
        return error
      })
    )
    expect(error).toMatchObject({ _tag: "JobUnfinished", state: "awaiting", jobId: "stays" })
  })

  it("loads no server, no engine and no store", async () => {
    const list = `
      import { registerHooks } from "node:module"
      const loaded = new Set()
      registerHooks({ resolve(specifier, context, next) {
        const result = next(specifier, context)
        loaded.add(result.url)
        return result
      } })
      process.on("exit", () => console.log(JSON.stringify([...loaded])))`
    const preload = `data:text/javascript,${encodeURIComponent(list)}`
    const code = 'await import("effect-converge/client")'
    const { stdout } = await node(["--import", preload, "--input-type=module", "--eval", code])
    const own = (JSON.parse(stdout) as ReadonlyArray<string>).flatMap(
      (url) => /\/dist\/src\/(.*)\.js$/.exec(url)?.[1] ?? []
    )
    expect(own.filter((path) => path.startsWith("server/")).sort()).toEqual([
      "server/api",
      "server/insightApi",
      "server/insightShapes",
      "server/journalApi",
      "server/journalShapes",
      "server/later",
      "server/liveStates",
      "server/problemLists",
      "server/problems",
      "server/queries",
      "server/shapes"
    ])
    expect(own.filter((path) => /^(engine|job|store|workers|cli|journal)\//.test(path))).toEqual([])
    expect(stdout).not.toMatch(/"node:(http|net|sqlite|worker_threads)"/)
  })
})
