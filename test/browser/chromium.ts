/**
 * A page in a real browser: Chromium without a window, driven by its DevTools protocol.
 *
 * Boundary: the only file that knows the protocol. `CHROMIUM` names another binary than the one on the path.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Page {
  /** Shows a page in a window of so many pixels, and waits until it is loaded. */
  readonly open: (url: string, width: number, height: number) => Promise<void>
  /** The value of an expression in the page. */
  readonly evaluate: <A>(expression: string) => Promise<A>
  readonly click: (selector: string) => Promise<void>
  /** Types a text into a field, in place of what it has. */
  readonly fill: (selector: string, text: string) => Promise<void>
  /** The errors and warnings that the page left on its console, and all requests but the first, since it was opened. */
  readonly complaints: () => ReadonlyArray<string>
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}

const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]

/** Starts a browser, gives its page to the body, and ends it. */
export const withPage = async <A>(body: (page: Page) => Promise<A>): Promise<A> => {
  const profile = mkdtempSync(join(tmpdir(), "chromium-"))
  const binary = process.env["CHROMIUM"] ?? "chromium"
  const browser = spawn(binary, [...flags, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"]
  })
  const ended = new Promise<void>((resolve) => browser.once("close", () => resolve()))
  try {
    const address = await new Promise<string>((resolve, reject) => {
      let said = ""
      browser.once("error", () => reject(new Error(`there is no ${binary}: install Chromium, or name it by CHROMIUM`)))
      browser.once("close", () => reject(new Error(`${binary} ended: ${said}`)))
      browser.stderr.setEncoding("utf8").on("data", (text: string) => {
        said += text
        const found = /^DevTools listening on (ws:\S+)/m.exec(said)?.[1]
        if (found !== undefined) resolve(found)
      })
    })
    const connection = await connect(address)
    try {
      return await body(await pageOf(connection))
    } finally {
      connection.close()
    }
  } finally {
    browser.kill("SIGKILL")
    await ended
    rmSync(profile, { recursive: true, force: true })
  }
}

interface Connection {
  readonly send: (
    method: string,
    params?: Readonly<Record<string, unknown>>,
    sessionId?: string
  ) => Promise<Readonly<Record<string, unknown>>>
  /** The next event of a name. */
  readonly next: (method: string) => Promise<void>
  readonly onEvent: (listener: (method: string, params: Readonly<Record<string, unknown>>) => void) => void
  readonly close: () => void
}

const connect = async (address: string): Promise<Connection> => {
  const socket = new WebSocket(address)
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve)
    socket.addEventListener("error", () => reject(new Error(`${address} does not answer`)))
  })
  const waiting = new Map<number, (message: Message) => void>()
  const listeners: Array<(method: string, params: Readonly<Record<string, unknown>>) => void> = []
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message
    if (message.id !== undefined) waiting.get(message.id)?.(message)
    else for (const listener of listeners) listener(message.method ?? "", message.params ?? {})
  })
  let last = 0
  return {
    send: (method, params = {}, sessionId) =>
      new Promise((resolve, reject) => {
        const id = ++last
        waiting.set(id, ({ result, error }) => {
          waiting.delete(id)
          if (error === undefined) resolve(result ?? {})
          else reject(new Error(`${method}: ${error.message}`))
        })
        socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }))
      }),
    next: (wanted) =>
      new Promise((resolve) => {
        const listener = (method: string): void => {
          if (method !== wanted) return
          listeners.splice(listeners.indexOf(listener), 1)
          resolve()
        }
        listeners.push(listener)
      }),
    onEvent: (listener) => void listeners.push(listener),
    close: () => socket.close()
  }
}

const pageOf = async ({ send, next, onEvent }: Connection): Promise<Page> => {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" })
  const attached = await send("Target.attachToTarget", { targetId, flatten: true })
  const sessionId = String(attached["sessionId"])
  const ask = (method: string, params?: Readonly<Record<string, unknown>>) => send(method, params, sessionId)
  let complaints: Array<string> = []
  onEvent((method, params) => {
    const text = JSON.stringify(params).slice(0, 500)
    if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded") complaints.push(text)
    if (method === "Network.requestWillBeSent" && params["type"] !== "Document") complaints.push(text)
  })
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await ask(`${domain}.enable`)
  const evaluate = async <A>(expression: string): Promise<A> => {
    const { result, exceptionDetails } = (await ask("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true
    })) as unknown as { readonly result: { readonly value: A }; readonly exceptionDetails?: unknown }
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails).slice(0, 1000))
    return result.value
  }
  return {
    open: async (url, width, height) => {
      complaints = []
      await ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 })
      const loaded = next("Page.loadEventFired")
      await ask("Page.navigate", { url })
      await loaded
    },
    evaluate,
    click: async (selector) => {
      const at = await evaluate<{ x: number; y: number }>(`(() => {
        const element = document.querySelector(${JSON.stringify(selector)})
        element.scrollIntoView({ block: "center", behavior: "instant" })
        const { x, y, width, height } = element.getBoundingClientRect()
        return { x: x + Math.min(width, innerWidth) / 2, y: y + height / 2 }
      })()`)
      const mouse = { ...at, button: "left", clickCount: 1 }
      await ask("Input.dispatchMouseEvent", { type: "mousePressed", ...mouse })
      await ask("Input.dispatchMouseEvent", { type: "mouseReleased", ...mouse })
    },
    fill: async (selector, text) => {
      await evaluate(
        `(() => { const field = document.querySelector(${JSON.stringify(selector)}); field.focus(); field.select() })()`
      )
      await ask("Input.insertText", { text })
    },
    complaints: () => complaints
  }
}
