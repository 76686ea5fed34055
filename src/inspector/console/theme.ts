/** Light, dark, or what the system says. The choice stays in this browser. */
import { effect, signal } from "@preact/signals"
import { kept } from "./kept.ts"

const themes = ["system", "light", "dark"] as const
type Theme = (typeof themes)[number]

const choice = kept("localStorage", "converge-theme")
const saved = choice.read()

export const theme = signal<Theme>(themes.find((name) => name === saved) ?? "system")

effect(() => {
  const { value } = theme
  document.documentElement.dataset["theme"] = value
  choice.write(value)
})

export const cycleTheme = (): void => {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "system"
}
