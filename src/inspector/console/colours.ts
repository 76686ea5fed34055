/**
 * Colours of agents on a canvas: ten that differ also for those who see few colours. The name of an agent chooses one, or the
 * next that no agent before it has.
 */
const light = [
  "#3b6fd4",
  "#c2570c",
  "#2b8a57",
  "#a3359b",
  "#8a6d00",
  "#0f8a94",
  "#c23a52",
  "#6b53d1",
  "#5a7d1e",
  "#8d5a3c"
]
const dark = [
  "#7ea6ff",
  "#ff9d5c",
  "#5fcf94",
  "#e58ade",
  "#e0bf4a",
  "#4fd0da",
  "#ff8a9e",
  "#ab9bff",
  "#a9d060",
  "#d3a284"
]

const indexOf = (name: string): number => {
  let hash = 7
  for (let index = 0; index < name.length; index++) hash = (Math.imul(hash, 31) + name.charCodeAt(index)) | 0
  return Math.abs(hash) % light.length
}

/** The colour of an agent, in one of the two themes. */
export type Palette = (agent: string, isDark: boolean) => string

/** The colours of agents that are in one picture. Those at the beginning of the list are the last to change when it grows. */
export const paletteOf = (agents: ReadonlyArray<string>): Palette => {
  const taken = new Set<number>()
  const places = new Map<string, number>()
  for (const agent of agents) {
    let place = indexOf(agent)
    if (taken.size < light.length) while (taken.has(place)) place = (place + 1) % light.length
    taken.add(place)
    places.set(agent, place)
  }
  return (agent, isDark) => (isDark ? dark : light)[places.get(agent) ?? indexOf(agent)] ?? "#888"
}

/** The colours of a canvas: those of the page around it. */
export const inkOf = (element: HTMLElement) => {
  const style = getComputedStyle(element)
  const of = (name: string): string => style.getPropertyValue(name).trim() || style.color
  const { colorScheme } = style
  const isDark =
    colorScheme === "dark" || (colorScheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches)
  return {
    isDark,
    text: isDark ? "#f0f2f6" : "#15181e",
    soft: isDark ? "#a3acba" : "#5a6472",
    line: isDark ? "#2a303a" : "#e3e6ec",
    back: isDark ? "#171b21" : "#ffffff",
    bad: isDark ? "#ff8a80" : "#b42318",
    commit: isDark ? "#45506080" : "#b8c0cc80",
    cycle: isDark ? "#5c6878" : "#a3adba",
    onBar: isDark ? "#10131a" : "#ffffff",
    accent: of("--accent")
  }
}
