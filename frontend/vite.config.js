import { defineConfig } from 'vite'

// One build for everything the browser is sent in hashed files. Flask reads the manifest to find them by entry name.
const entries = {
  docs: 'src/docs.js', // the API reference
}

export default defineConfig({
  base: '/static/dist/',
  publicDir: false,
  build: {
    outDir: '../static/dist',
    emptyOutDir: true, // it lies outside this folder, so Vite wants to be told
    manifest: true,
    assetsInlineLimit: 0, // the Content-Security-Policy allows files of ours rather than data: URLs
    chunkSizeWarningLimit: 1600, // Swagger UI, which only the API reference loads
    rolldownOptions: { input: entries },
  },
})
