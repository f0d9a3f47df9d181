import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { PurgeCSS } from 'purgecss'
import { defineConfig } from 'vite'
import { parse } from 'yaml'

const OUT = '../static/dist'

// One build for everything the browser is sent in hashed files. Flask reads the manifest to find them by entry name.
const entries = {
  docs: 'src/docs.js', // the API reference
  portal: 'index.html',
  staff: 'src/staff/main.js', // what makes the staff pages quicker
}

/** Bytes, compressed with gzip, that a page may load at first: all scripts, styles and the page itself (UI.md). */
const FIRST_LOAD = 120_000
/** The staff pages' one script, htmx and all. */
const STAFF_SCRIPT = 25_000

/**
 * React Router names its components for debuggers, which keeps those in the bundle that nothing uses, and what they use:
 * the parts for servers that render pages.
 */
function unnamed() {
  return {
    name: 'unnamed',
    transform(/** @type {string} */ code, /** @type {string} */ id) {
      if (!id.includes('node_modules/react-router/')) return null
      const pure = code.replace(/^\w+\.displayName = .*;$/gm, '')
      return { code: pure.replace(/= (?=React\w*\.(forwardRef|createContext|memo)\()/g, '= /* @__PURE__ */ '), map: null }
    },
  }
}

/** `virtual:limits`: how long things may be, as openapi.yml says it, so that no form has a number of its own. */
function limits() {
  const name = 'virtual:limits'
  const told = ['minLength', 'maxLength', 'maxItems']
  const forms = ['CreateTicket', 'CreateComment', 'Register', 'ChangePassword', 'EditMe']
  return {
    name: 'limits',
    resolveId: (/** @type {string} */ id) => (id === name ? `\0${name}` : null),
    load(/** @type {string} */ id) {
      if (id !== `\0${name}`) return null
      const { schemas } = parse(readFileSync('../openapi.yml', 'utf8')).components
      const of = (/** @type {string} */ form) =>
        Object.entries(schemas[form].properties).map(([field, shape]) => [
          field,
          Object.fromEntries(Object.entries(shape).filter(([key]) => told.includes(key))),
        ])
      return `export default ${JSON.stringify(Object.fromEntries(forms.map((form) => [form, Object.fromEntries(of(form))])))}`
    },
  }
}

/**
 * The stylesheet is the staff pages' too: the portal is sent what it uses. Before Vite sees it, so that the file's name
 * changes with what is left. What stands in people's text is made by the server: see helpdesk/markdown.py.
 */
function purged() {
  const written = /^(a|b|blockquote|br|code|del|em|h[1-6]|hr|i|li|ol|p|pre|s|strong|table|tbody|td|th|thead|tr|ul)$/
  return {
    name: 'purged',
    enforce: /** @type {const} */ ('pre'),
    /** @param {string} css @param {string} id */
    async transform(css, id) {
      if (!id.endsWith('/static/ui.css')) return null
      const content = ['index.html', 'src/**/*.jsx']
      // the keyboard's ring is a rule of no element, and what the mark knocks out of itself a variable of no rule
      const safelist = { standard: [written], greedy: [/^:focus-visible$/], variables: ['--knock'] }
      const [{ css: code }] = await new PurgeCSS().purge({ content, css: [{ raw: css }], safelist, variables: true })
      return { code, map: null }
    },
  }
}

/** `virtual:icons`: those of the sprite that the portal names somewhere, as a file of its own. */
function icons() {
  return {
    name: 'icons',
    resolveId: (/** @type {string} */ id) => (id === 'virtual:icons' ? '\0virtual:icons' : null),
    /** @this {import('vite').Rolldown.PluginContext} @param {string} id */
    load(id) {
      if (id !== '\0virtual:icons') return null
      const written = sources('src').map((file) => readFileSync(file, 'utf8')).join()
      const named = (/** @type {string} */ name) => new RegExp(`['"]${name}['"]`).test(written)
      const sprite = readFileSync('../static/icons.svg', 'utf8')
      const source = sprite.replace(/\s*<symbol id="i-([\w-]+)".*?<\/symbol>/gs, (symbol, name) => (named(name) ? symbol : ''))
      const file = this.emitFile({ type: 'asset', name: 'icons.svg', source })
      return `export default import.meta.ROLLUP_FILE_URL_${file}`
    },
  }
}

/** @param {string} folder @returns {string[]} */
const sources = (folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsx')).map((name) => join(folder, name))

/** Beside each file the same in brotli and gzip, so that no request has to compress it again. */
function compressed() {
  return {
    name: 'compressed',
    /** The manifest is written after the hook that sees the bundle, so this is the last one. */
    closeBundle() {
      const assets = join(OUT, 'assets')
      for (const name of readdirSync(assets).filter((one) => /\.(js|css|svg)$/.test(one))) {
        const bytes = readFileSync(join(assets, name))
        const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(bytes, quality))
        writeFileSync(join(assets, `${name}.gz`), gzipSync(bytes, { level: 9 }))
      }
      budget()
    },
  }
}

/** Print what a first visit loads, view by view, and fail over the budget. */
function budget() {
  const manifest = JSON.parse(readFileSync(join(OUT, '.vite/manifest.json'), 'utf8'))
  const size = (/** @type {string} */ file) => gzipSync(readFileSync(join(OUT, file)), { level: 9 }).length
  const files = (/** @type {string} */ key, /** @type {Set<string>} */ found = new Set()) => {
    const chunk = manifest[key]
    for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) found.add(file)
    for (const imported of chunk.imports ?? []) files(imported, found)
    return found
  }
  const entry = Object.keys(manifest).find((key) => /^_portal-.*\.js$/.test(key)) ?? ''
  const first = files(entry).add(Object.values(manifest).find(({ file }) => file.endsWith('.svg')).file)
  const shell = size('index.html') + [...first].reduce((sum, file) => sum + size(file), 0)
  const lines = manifest[entry].dynamicImports.filter((/** @type {string} */ key) => key.includes('/views/')).map((/** @type {string} */ view) => {
    const own = [...files(view)].filter((file) => !first.has(file)).reduce((sum, file) => sum + size(file), 0)
    return { view: view.replace(/^src\/views\/|\.jsx$/g, ''), bytes: shell + own }
  })
  console.log(`\nfirst load, gzip (budget ${FIRST_LOAD / 1000} kB):`)
  for (const { view, bytes } of lines) console.log(`  ${view.padEnd(14)} ${(bytes / 1000).toFixed(1)} kB`)
  const heavy = lines.filter(({ bytes }) => bytes > FIRST_LOAD)
  const staff = size(manifest['src/staff/main.js'].file)
  console.log(`the staff pages' script (budget ${STAFF_SCRIPT / 1000} kB): ${(staff / 1000).toFixed(1)} kB`)
  if (staff > STAFF_SCRIPT) heavy.push({ view: 'the script of the staff pages', bytes: staff })
  if (heavy.length) throw new Error(`over the budget: ${heavy.map(({ view }) => view).join(', ')}`)
}

/** @param {string} file */
const production = (file) => join(import.meta.dirname, `node_modules/react-router/dist/production/${file}.mjs`)

export default defineConfig({
  base: '/static/dist/',
  publicDir: false,
  plugins: [unnamed(), limits(), icons(), purged(), compressed()],
  resolve: {
    // its own choice are the files that warn developers
    alias: [
      { find: /^react-router$/, replacement: production('index') },
      { find: /^react-router\/dom$/, replacement: production('dom-export') },
    ],
  },
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    outDir: OUT,
    emptyOutDir: true, // it lies outside this folder, so Vite wants to be told
    manifest: true,
    target: 'es2022',
    assetsInlineLimit: 0, // the Content-Security-Policy allows files of ours rather than data: URLs
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1600, // Swagger UI, which only the API reference loads
    rolldownOptions: {
      input: entries,
      // apart, what every view loads would be compressed apart, too
      output: { codeSplitting: { groups: [{ name: 'portal', test: /node_modules\/(react|scheduler)|src\/(main|router|api|root|words)\.jsx|components\/(Root|Header|Link|Icon|Avatar|Broken|Loading|Network|Announcer|SessionEnd|Status)\.jsx|src\/kept/ }] } },
    },
  },
  server: {
    // `npm run dev` beside `make run`
    proxy: { '^/(api|account/|staff|manifest|static/(?!dist))': 'http://127.0.0.1:8000' },
  },
})
