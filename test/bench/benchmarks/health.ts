/** Whether the server answers while its workers are busy, and the cost of an answer. */
import type { HealthAnswer, HealthInput, HealthQuestion } from "../children/health.ts"
import { type Companion, startCompanion } from "../framework/child.ts"
import { type Benchmark, type Contender, count, ratio, value } from "../framework/definition.ts"
import { byClient, byWrk, type Loaded, wrkMissing } from "../support/httpLoad.ts"
import { stepsPerMicrosecond } from "../support/raw.ts"

type Server = Companion<HealthQuestion, HealthAnswer>
type Whose = HealthInput["whose"]

const taskUs = 5_000

/** Tasks in each cycle of the jobs that keep the workers busy. */
const busyLanes = 16

/** The load while the workers are busy. */
const connections = 100
const wrkSeconds = 30
const clientSeconds = 10
/** The load of our own client while the cost of an answer is measured. */
const idleConnections = 32
const idleRequests = 30_000

let steps: Promise<number> | undefined

/** Tasks are of the same length for all. */
const stepsOf = (isTiny: boolean): Promise<number> =>
  (steps ??= isTiny
    ? Promise.resolve(1_000)
    : stepsPerMicrosecond().then((perMicrosecond) => Math.round(perMicrosecond * taskUs)))

const servers = new Map<Whose, { readonly server: Server; users: number }>()

/** One process for all contenders that ask the same server. It has jobs only while it is measured with some. */
const serverOf = async (whose: Whose, isTiny: boolean) => {
  const input: HealthInput = { whose, lanes: busyLanes, steps: await stepsOf(isTiny) }
  const shared = servers.get(whose) ?? {
    server: startCompanion<HealthQuestion, HealthAnswer>("health.ts", input),
    users: 0
  }
  servers.set(whose, shared)
  shared.users++
  const { server } = shared
  const { url } = await server.ask("where")
  return {
    server,
    url: `${url}/health`,
    stop: async () => {
      if (--shared.users > 0) return
      servers.delete(whose)
      await server.stop()
    }
  }
}

const bodyOf = async (url: string) => {
  const response = await fetch(url)
  return { status: response.status, body: await response.text() }
}

const names: Readonly<Record<Whose, string>> = {
  ours: "`Server.layer`",
  node: "a handler of `node:http` that writes a status, a content type and two letters"
}

type Ask = (url: string, isTiny: boolean) => Promise<Loaded>

const wrk: Ask = (url, isTiny) => byWrk({ url, connections: isTiny ? 8 : connections }, isTiny ? 1 : wrkSeconds)

const client: Ask = (url, isTiny) => {
  const until = performance.now() + (isTiny ? 100 : clientSeconds * 1_000)
  return byClient({ url, connections: isTiny ? 8 : connections }, () => performance.now() > until)
}

/** Asked while two jobs keep both threads of the process busy. */
const busy = (name: string, about: string, whose: Whose, ask: Ask): Contender => ({
  name,
  about: `${names[whose]} beside two jobs of tasks of ${taskUs / 1_000} ms, ${busyLanes} in each cycle; asked by ${about}`,
  ...(ask === wrk ? { missing: wrkMissing } : {}),
  start: async (isTiny) => {
    const { server, stop, url } = await serverOf(whose, isTiny)
    return {
      round: async () => {
        const before = await server.ask("work")
        const began = performance.now()
        const { errors, p99, perSecond } = await ask(url, isTiny)
        const result = await bodyOf(url)
        const after = await server.ask("cpu")
        const spentUs = (performance.now() - began) * 1_000
        await server.ask("rest")
        const threadsUs = after.processUs - before.processUs - (after.mainUs - before.mainUs)
        return { values: { p99, errors, rate: perSecond, threads: threadsUs / spentUs }, result }
      },
      stop
    }
  }
})

/** Asked while nothing else happens in the process, so that all of its CPU time is spent on answers. */
const idle = (name: string, whose: Whose): Contender => ({
  name,
  about: `${names[whose]}, and no job; asked by our own client`,
  start: async (isTiny) => {
    const { server, stop, url } = await serverOf(whose, isTiny)
    const requests = isTiny ? 100 : idleRequests
    return {
      round: async () => {
        const before = await server.ask("cpu")
        const loaded = await byClient({ url, connections: isTiny ? 4 : idleConnections }, (sent) => sent >= requests)
        const after = await server.ask("cpu")
        const cpu = (after.processUs - before.processUs) / loaded.requests
        return { values: { cpu, rate: loaded.perSecond, errors: loaded.errors }, result: await bodyOf(url) }
      },
      stop
    }
  }
})

export const benchmark: Benchmark = {
  name: "health",
  title: "/health while all workers are busy",
  measures: [
    `A server runs in a process of its own, with an engine and a pool of two threads that two jobs keep busy. ${connections} connections ask for /health without a pause: for ${wrkSeconds} seconds by \`wrk -t4\`, and for ${clientSeconds} by a small client of our own, for machines without wrk. A plain handler of node:http in such a process is asked in the same way, in turns.`,
    `The cost of an answer is \`process.cpuUsage\` of the server over ${count(idleRequests)} requests of ${idleConnections} connections, without jobs.`
  ],
  notMeasured: [
    "- A machine with cores to spare: the server, its threads and the client share two.",
    "- Clients that ask at a pace of their own: these wait for the last answer before they ask again, so a slow answer delays requests that would have been slow, too."
  ],
  missed: [
    "An answer to /health is given before the router is asked, and is made once. It costs more than the plain handler's for these reasons: the fiber and the span of Effect's server, the check of the host, the count, and six headers.",
    "An answer of another route costs some two and a half times the plain handler's."
  ],
  rounds: 3,
  warmups: 1,
  warmupMs: 0,
  metrics: {
    p99: { title: "p99", unit: "ms", isQuantile: true },
    errors: { title: "errors", unit: "errors" },
    rate: { title: "answers in a second", unit: "/s" },
    threads: { title: "CPU seconds of the threads in a second", unit: "s" },
    cpu: { title: "CPU time for an answer", unit: "us" }
  },
  contenders: [
    busy("wrk", "wrk", "ours", wrk),
    busy("node-wrk", "wrk", "node", wrk),
    busy("client", "our own client", "ours", client),
    busy("node-client", "our own client", "node", client),
    idle("idle", "ours"),
    idle("node-idle", "node")
  ],
  expected: () => ({ "": { status: 200, body: "ok" } }),
  figures: [
    {
      name: "health/p99",
      title: "p99, asked by wrk",
      unit: "ms",
      better: "lower",
      bar: 100,
      isQuantile: true,
      ofRound: value("wrk", "p99")
    },
    {
      name: "health/errors",
      title: "errors, asked by wrk",
      unit: "errors",
      better: "lower",
      bar: 0,
      ofRound: value("wrk", "errors")
    },
    {
      name: "health/p99-over-node",
      title: "p99, asked by wrk: ours / node:http",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("wrk", "node-wrk", "p99")
    },
    {
      name: "health/client-p99",
      title: "p99, asked by our own client",
      unit: "ms",
      better: "lower",
      bar: 100,
      isQuantile: true,
      ofRound: value("client", "p99")
    },
    {
      name: "health/client-p99-over-node",
      title: "p99, asked by our own client: ours / node:http",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("client", "node-client", "p99")
    },
    {
      name: "health/cpu",
      title: "CPU time for an answer: ours / node:http",
      unit: "ratio",
      better: "lower",
      bar: 2,
      ofRound: ratio("idle", "node-idle", "cpu")
    }
  ]
}
