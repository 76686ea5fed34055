/** The course of connections: bytes that are no request, offers to upgrade, answers under way when the server closes. */
import { connect, type Socket } from "node:net"
import { describe, expect, it } from "vitest"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { chatty, waiting } from "../support/server/programs.ts"

/** A connection to a server, and what it was sent. */
const open = (
  running: Running,
  text: string
): { readonly socket: Socket; got: string; readonly ended: Promise<void> } => {
  const { port } = new URL(running.url)
  const socket = connect(Number(port), "127.0.0.1", () => void socket.write(text))
  const ended = new Promise<void>((resolve) => socket.on("close", () => resolve()).on("error", () => undefined))
  const connection = { socket, got: "", ended }
  socket.setEncoding("latin1").on("data", (chunk: string) => (connection.got += chunk))
  return connection
}

const post = (path: string, body: object, headers: ReadonlyArray<string> = []): string => {
  const text = JSON.stringify(body)
  const lines = ["host: localhost", "content-type: application/json", `content-length: ${text.length}`, ...headers]
  return `POST ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${text}`
}

describe("a client that offers to upgrade", () => {
  it("is answered as any other, and cancels its job when it goes away", async () => {
    const running = await serve({ programs: [waiting] })
    try {
      const upgrade = ["connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAEAAEAA"]
      const client = open(running, post("/api/v1/jobs", { program: "waiting", id: "upgrading" }, upgrade))
      const state = async () => (await jsonOf(await running.fetch("/api/v1/jobs/upgrading")))["state"]
      await until(async () => (await state()) === "running")
      client.socket.destroy()
      await until(async () => (await state()) === "cancelled")
    } finally {
      await running.stop()
    }
  })
})

describe("an answer that is being taken when the server closes", () => {
  it.each([
    ["a plain request", []],
    ["one that expects 100-continue", ["expect: 100-continue"]]
  ])("is given in full: %s", async (_, headers) => {
    const running = await serve({ programs: [chatty], drainMs: 0 })
    const length = 12_000_000
    const body = { program: "chatty", input: { length }, budget: { maxCycles: 2 } }
    const client = open(running, post("/api/v1/jobs?facts=all", body, headers))
    const hasBegun = () => client.got.includes("HTTP/1.1 413")
    let isSlow = true
    client.socket.on("data", () => isSlow && hasBegun() && client.socket.pause())
    await until(hasBegun)
    const stopped = running.stop()
    // It takes no more connections, and waits for this one.
    await until(() =>
      running.fetch("/health").then(
        () => false,
        () => true
      )
    )
    isSlow = false
    client.socket.resume()
    await Promise.all([stopped, client.ended])
    const [, answer = ""] = /HTTP\/1\.1 413.*?\r\n\r\n(.*)$/s.exec(client.got) ?? []
    // The last chunk.
    expect(answer.endsWith("\r\n0\r\n\r\n")).toBe(true)
    expect(answer.length).toBeGreaterThan(length)
  })

  it("holds nobody up on a connection that waits for nothing", async () => {
    const running = await serve({ programs: [waiting] })
    const idle = open(running, "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
    const unused = open(running, "")
    await until(() => idle.got.includes("ok"))
    const begin = Date.now()
    await running.stop()
    await Promise.all([idle.ended, unused.ended])
    expect(Date.now() - begin).toBeLessThan(1_000)
  })
})

describe("what is no request", () => {
  it.each([
    ["a line that is none", "HELLO\r\n\r\n", 400],
    [
      "two lengths",
      "POST /api/v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
      400
    ],
    ["headers that are too large", `GET /health HTTP/1.1\r\nhost: localhost\r\nx: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    [
      "an expectation that is none",
      "GET /health HTTP/1.1\r\nhost: localhost\r\nexpect: cake\r\nconnection: close\r\n\r\n",
      417
    ]
  ])("%s: a problem", async (_, text, status) => {
    const running = await serve({ programs: [waiting] })
    try {
      const client = open(running, text)
      await client.ended
      const [head = "", body = ""] = client.got.split("\r\n\r\n")
      expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\r\n`))
      expect(head.toLowerCase()).toContain("content-type: application/problem+json")
      expect(body).toContain("{")
      expect(JSON.parse(/\{.*\}/s.exec(body)?.[0] ?? "")).toMatchObject({
        type: "about:blank",
        status,
        title: expect.stringMatching(/./)
      })
    } finally {
      await running.stop()
    }
  })
})
