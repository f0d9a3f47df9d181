// Light or dark. The cookie tells the server, so that the next page has the right colours from its first byte.

const A_YEAR = 365 * 24 * 60 * 60

/** @param {import('./api').Me['theme']} theme */
export function wear(theme) {
  const { dataset } = document.documentElement
  if (theme === 'system') delete dataset.theme
  else dataset.theme = theme
  const secure = location.protocol === 'https:' ? '; Secure' : ''
  document.cookie = `theme=${theme}; Path=/; Max-Age=${A_YEAR}; SameSite=Lax${secure}`
}
