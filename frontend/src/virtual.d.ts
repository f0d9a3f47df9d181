// Made by vite.config.js from openapi.yml.
declare module 'virtual:limits' {
  type Limit = { minLength?: number; maxLength?: number; maxItems?: number }
  const limits: Record<'CreateTicket' | 'CreateComment' | 'Register' | 'ChangePassword' | 'EditMe', Record<string, Limit>>
  export default limits
}

declare module 'virtual:icons' {
  const address: string
  export default address
}
