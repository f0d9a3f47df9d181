// The API reference: Swagger UI on the spec that the page names, and nothing from anywhere else.
import 'swagger-ui-dist/swagger-ui.css'
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'

const root = document.documentElement
const systemIsDark = matchMedia('(prefers-color-scheme: dark)')

function followTheme() {
  root.classList.toggle('dark-mode', root.dataset.theme ? root.dataset.theme === 'dark' : systemIsDark.matches)
}

followTheme()
systemIsDark.addEventListener('change', followTheme)

const domNode = document.getElementById('docs')

SwaggerUI({
  domNode,
  url: domNode.dataset.spec,
  deepLinking: false,
  validatorUrl: null, // its badge would show the spec to a stranger
  withCredentials: true, // try it out as the person who is signed in
})
