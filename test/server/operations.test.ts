/** docs/operations.md says of every metric and every log line what it means: those that are there, and no others. */
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as DevToolsServer from "effect/devtools/DevToolsServer"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Queue from "effect/Queue"
import * as SocketServer from "effect/socket/SocketServer"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { JobStore, WorkerPool } from "../../src/index.ts"
import { converge, module } from "../support/cli/converge.ts"
import { projectRoot } from "../support/node.ts"
import { serve, until } from "../support/server/harness.ts"
import { computes, count, crashes, spins, wishes } from "../support/server/programs.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-operations-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const page = (name: string): string => readFileSync(join(projectRoot, "docs", name), "utf8")

/** Metrics that a table of a page has a row of. */
const documented = (name: string): ReadonlyArray<string> =>
  [...page(name).matchAll(/^\| (`converge_\w+`(?:, `converge_\w+`)*) \|/gm)].flatMap(([, cell = ""]) =>
    cell.replaceAll("`", "").split(", ")
  )

const sorted = (names: Iterable<string>): ReadonlyArray<string> => [...new Set(names)].toSorted()

describe("metrics", () => {
  it("of a server that has done a bit of everything are those of the documentation", async () => {
    const programs = [count, crashes, spins, computes, wishes]
    const running = await serve(
      { programs },
      { pool: WorkerPool.layer({ size: 2 }), store: JobStore.layerSqlite({ filename: join(folder, "jobs.db") }) }
    )
    try {
      for (const { name } of programs) {
        await running.post("/api/v1/jobs", { program: name, input: name === "count" ? { to: 3 } : {} })
      }
      let found: ReadonlyArray<string> = []
      // Metrics of a state are sampled once in a second.
      const look = async () => {
        const text = await (await running.fetch("/metrics")).text()
        found = sorted([...text.matchAll(/^# TYPE (converge_\w+)/gm)].map(([, metric = ""]) => metric))
        return found.includes("converge_pool_worker_utilization")
      }
      await until(look)
      const [, listed = ""] = /\*\*Metrics\*\* of the server([^]*?)\n- \*\*/.exec(page("http.md")) ?? []
      const inServer = [...listed.matchAll(/`(converge_\w+)`/g)]
      expect(found).toEqual(sorted(documented("operations.md")))
      expect(found).toEqual(sorted([...documented("events.md"), ...inServer.map(([, name = ""]) => name)]))
    } finally {
      await running.stop()
    }
  })
})

/** The text of a literal that begins somewhere, with "…" for what is put into it. */
const literalAt = (text: string, at: number): string => {
  const quote = text[at]
  let found = ""
  for (let i = at + 1; i < text.length && text[i] !== quote; i++) {
    if (quote !== "`" || !text.startsWith("${", i)) {
      found += text[i]
      continue
    }
    found += "…"
    for (let depth = 0; ; i++) {
      if (text[i] === "{") depth++
      if (text[i] === "}" && --depth === 0) break
    }
  }
  return found
}

describe("log lines", () => {
  it("of the pool, the engine, the store and the server are those of the documentation, with their levels", () => {
    const sources = readdirSync(join(projectRoot, "src"), { recursive: true, encoding: "utf8" }).filter(
      (file) => file.endsWith(".ts") && !/^(?:cli|inspector)\b/.test(file)
    )
    const logged = sources.flatMap((file) => {
      const text = readFileSync(join(projectRoot, "src", file), "utf8")
      return [...text.matchAll(/Effect\.log(Debug|Info|Warning|Error)\(\s*/g)].map(
        (match) => `${match[1]?.toLowerCase()}: ${literalAt(text, match.index + match[0].length)}`
      )
    })
    const rows = [...page("operations.md").matchAll(/^\| (debug|info|warning|error) \| `([^`]+)` \|/gm)]
    expect(logged.length).toBeGreaterThan(20)
    expect(rows.map(([, level, line]) => `${level}: ${line}`).toSorted()).toEqual(sorted(logged))
  })
})

describe("Effect's DevTools", () => {
  it("are told the spans of jobs, where a module brings their layer along", async () => {
    const names = new Set<string>()
    const told = DevToolsServer.run(({ queue }) =>
      Effect.forever(
        Effect.map(Queue.take(queue), (request) => {
          if (request._tag === "Span") names.add(request.name)
        })
      )
    )
    await Effect.gen(function* () {
      const { address } = yield* SocketServer.SocketServer
      yield* Effect.forkScoped(told)
      const url = NetAddress.formatUrlUnsafe(address).replace("http", "ws")
      const ran = yield* Effect.promise(() =>
        converge(["run", module("devtools")], { environment: { DEVTOOLS_URL: url } })
      )
      expect(ran.code).toBe(0)
    }).pipe(
      Effect.scoped,
      Effect.provide(NodeSocketServer.layerWebSocket({ port: 0, host: "127.0.0.1" })),
      Effect.runPromise
    )
    expect([...names]).toEqual(expect.arrayContaining(["converge.job", "converge.cycle", "converge.agent"]))
  })
})
