/**
 * Many at once: jobs, and connections. `CONNECTIONS` asks for more of those, and holds the server to its promise; without, the
 * margin is wide, since other tests run beside.
 */
import { connect, type Socket } from "node:net"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "vitest"
import { jsonOf, metricsOf, type Running, serve, until } from "../support/server/harness.ts"
import { serveProcess } from "../support/server/process.ts"
import { count } from "../support/server/programs.ts"
import { turns } from "../support/until.ts"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

const heapMb = async (): Promise<number> => {
  await turns()
  collect()
  return process.memoryUsage().heapUsed / 1e6
}

describe("500 jobs posted at once", () => {
  /** Posts them all, and gives what became of them. */
  const burst = (running: Running, jobs: number, name: string) =>
    Promise.all(
      Array.from({ length: jobs }, async (_, n) => {
        const input = { to: 1 + (n % 4) }
        const answer = await running.post("/api/v1/jobs", { program: "count", id: `${name}-${n}`, input })
        const { output, status } = await jsonOf(answer)
        return [answer.status, status, output]
      })
    )
  const expected = (jobs: number) => Array.from({ length: jobs }, (_, n) => [200, "converged", 2 + (n % 4)])

  it("all halt, none is lost, and memory returns", { timeout: 60_000 }, async () => {
    const running = await serve({ programs: [count] })
    expect(await burst(running, 100, "first")).toEqual(expected(100))
    const before = await heapMb()
    expect(await burst(running, 500, "then")).toEqual(expected(500))
    const metrics = await metricsOf(running)
    expect(metrics).toContain('converge_jobs{state="running"} 0')
    expect(metrics).toContain('converge_jobs{state="converged"} 600')
    // Ended jobs are kept for a while, with their logs.
    await until(async () => (await heapMb()) - before < 40)
    await running.stop()
  })
})

describe("/health", () => {
  const connections = Number(process.env["CONNECTIONS"] ?? 300)
  const limitMs = process.env["CONNECTIONS"] === undefined ? 500 : 100

  /** A connection that has been answered, and stays open. */
  const open = (port: number): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => socket.write("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"))
      socket.once("data", () => resolve(socket))
      socket.once("error", reject)
    })

  it("answers in time beside very many connections that are kept alive", { timeout: 60_000 }, async () => {
    const { ended, process: child, url } = await serveProcess(["--workers", "0"])
    const port = Number(new URL(url).port)
    const sockets: Array<Socket> = []
    // No more at a time than a system lets wait for their acceptance.
    while (sockets.length < connections) {
      const left = Math.min(100, connections - sockets.length)
      sockets.push(...(await Promise.all(Array.from({ length: left }, () => open(port)))))
    }
    const took: Array<number> = []
    for (let n = 0; n < 100; n++) {
      const begin = performance.now()
      expect((await fetch(`${url}/health`)).status).toBe(200)
      took.push(performance.now() - begin)
    }
    const stillOpen = sockets.filter((socket) => !socket.closed && socket.readyState === "open").length
    took.sort((a, b) => a - b)
    expect(took[98]).toBeLessThan(limitMs)
    // They were there all the time.
    expect(stillOpen).toBe(connections)
    const begin = Date.now()
    child.kill("SIGTERM")
    expect((await ended).code).toBe(0)
    expect(Date.now() - begin).toBeLessThan(5_000)
    for (const socket of sockets) socket.destroy()
  })
})
