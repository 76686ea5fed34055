/** `converge serve` in a process of its own, for tests that signal it, kill it, or keep it busy. Boundary: no assertion. */
import { fileURLToPath } from "node:url"
import { type Running, start } from "../cli/converge.ts"

/** The programs of the tests. */
export const programs = fileURLToPath(new URL("./programs.ts", import.meta.url))

export interface Serving extends Running {
  readonly url: string
  readonly post: (path: string, body?: unknown, headers?: Record<string, string>) => Promise<Response>
}

export interface ServeOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** Milliseconds after which the process is killed, so that a test that fails leaves none behind. */
  readonly timeoutMs?: number
}

/** Starts a server, on a free port unless the arguments name one, and gives its address. */
export const serveProcess = async (
  args: ReadonlyArray<string> = [],
  { environment = {}, timeoutMs }: ServeOptions = {}
): Promise<Serving> => {
  let said = ""
  const port = args.includes("--port") ? [] : ["--port", "0"]
  const running = start(["serve", programs, ...port, ...args], { environment, timeoutMs })
  running.process.stderr?.on("data", (chunk: string) => (said += chunk))
  await running.says(/listening on http\S+/)
  const [url = ""] = /http:\/\/[\w.:[\]]+\d/.exec(said) ?? []
  const post: Serving["post"] = (path, body, headers = {}) =>
    fetch(url + path, {
      method: "POST",
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  return { ...running, url, post }
}
