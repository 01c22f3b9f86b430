// An OpenID provider of other hands: oidc-provider with its development pages, which take any name and password.
// Usage: node provider.mjs PORT APPLICATION_ORIGIN CLIENT_SECRET
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const [port, application, secret] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'presensi',
    client_secret: secret,
    redirect_uris: [`${application}/auth/callback`],
    post_logout_redirect_uris: [`${application}/`],
    backchannel_logout_uri: `${application}/auth/backchannel-logout`,
    backchannel_logout_session_required: true,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    id_token_signed_response_alg: 'ES256',
  }],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'satu' }] },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  claims: { openid: ['sub'], profile: ['name'] },
  findAccount: async (_, sub) => ({ accountId: sub, claims: async () => ({ sub, name: `Pegawai ${sub}` }) }),
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  pkce: { required: () => true },
  features: { backchannelLogout: { enabled: true } },
  // Due for renewal from the first moment: the application renews by refresh token at each request.
  ttl: { AccessToken: 30 },
  cookies: { keys: ['satu kunci untuk uji'] },
});
provider.on('grant.success', (ctx) => console.log(`grant ${ctx.oidc.params.grant_type}`));
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
