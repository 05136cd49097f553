/** The version that this agent says it has; equal to that of package.json (a test holds it). */
export const agentVersion = '0.1.0';
