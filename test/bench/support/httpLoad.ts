/**
 * Load on an address: by wrk, and by a small client of our own where there is no wrk, or where the number of requests is
 * given. Both keep their connections busy: the next request goes out when the answer to the last one is there.
 */
import { execFile, execFileSync } from "node:child_process"
import { connect, type Socket } from "node:net"
import { promisify } from "node:util"

export interface Load {
  readonly connections: number
  readonly url: string
}

export interface Loaded {
  readonly requests: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p99: number
  /** Answers other than a success, and connections that broke. */
  readonly errors: number
}

const hasWrk = (): boolean => {
  try {
    // It has no flag that ends well.
    execFileSync("which", ["wrk"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

export const wrkMissing = (): string | undefined =>
  hasWrk() ? undefined : "wrk is not installed: `apt-get install -y wrk` as root, or have it in the path"

const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 }

const numberIn = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0)

/** wrk for some seconds, with four threads. */
export const byWrk = async ({ connections, url }: Load, seconds: number): Promise<Loaded> => {
  const args = ["-t4", `-c${connections}`, `-d${seconds}s`, "--latency", url]
  const { stdout } = await promisify(execFile)("wrk", args)
  const [, p99, unit] = /^\s+99%\s+([\d.]+)(us|ms|s|m)$/m.exec(stdout) ?? []
  if (p99 === undefined) throw new Error(`wrk printed no latencies: ${stdout}`)
  const broken = [...(/^\s*Socket errors: (.*)$/m.exec(stdout)?.[1] ?? "").matchAll(/\d+/g)]
  return {
    requests: numberIn(stdout, /^\s*(\d+) requests in /m),
    perSecond: numberIn(stdout, /^Requests\/sec:\s+([\d.]+)$/m),
    p99: Number(p99) * units[unit!]!,
    errors: numberIn(stdout, /^\s*Non-2xx or 3xx responses: (\d+)$/m) + broken.reduce((sum, [n]) => sum + Number(n), 0)
  }
}

const openSocket = (port: number, host: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, host, () => resolve(socket))
    socket.once("error", reject)
  })

/** Our own client, until `isOver` says so, which is asked before each request. */
export const byClient = async ({ connections, url }: Load, isOver: (sent: number) => boolean): Promise<Loaded> => {
  const { hostname, pathname, port } = new URL(url)
  const request = `GET ${pathname} HTTP/1.1\r\nhost: localhost:${port}\r\n\r\n`
  const sockets = await Promise.all(Array.from({ length: connections }, () => openSocket(Number(port), hostname)))
  const took: Array<number> = []
  let sent = 0
  let errors = 0
  const began = performance.now()
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          let at = 0
          let isBroken = false
          const next = (): void => {
            if (isOver(sent)) {
              resolve()
              return
            }
            sent++
            at = performance.now()
            socket.write(request)
          }
          // Answers to this are so short that each comes in one piece.
          socket.on("data", (chunk: Buffer) => {
            took.push(performance.now() - at)
            if (!chunk.toString("latin1").startsWith("HTTP/1.1 200 ")) errors++
            next()
          })
          const end = (): void => {
            if (isBroken) return
            isBroken = true
            errors++
            resolve()
          }
          socket.on("error", end)
          socket.on("close", end)
          next()
        })
    )
  )
  const seconds = (performance.now() - began) / 1_000
  for (const socket of sockets) socket.removeAllListeners("close").destroy()
  took.sort((a, b) => a - b)
  return {
    requests: took.length,
    perSecond: took.length / seconds,
    p99: took[Math.ceil(took.length * 0.99) - 1]!,
    errors
  }
}
