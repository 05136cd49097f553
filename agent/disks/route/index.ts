export { ensureCertificate, type AgentCertificate } from './certificate';
export { pullFile, type PullFileRequest } from './pull';
export { startByteRoute, type ByteRoute, type ByteRouteOptions } from './server';
