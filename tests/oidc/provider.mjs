// A certified OpenID provider (oidc-provider) as a process of its own.
//
// node provider.mjs SETTINGS, a file of JSON: `port`, `client_id`, `client_secret`, `redirect_uri`,
// `post_logout_redirect_uri`, `backchannel_logout_uri`, `keys` (a private JWK Set), and `people`: a
// file that maps each subject to their claims and is read anew for each token. Whoever signs in
// does so with any password; the subject is the name they give.
import {readFileSync} from 'node:fs';

import Provider from 'oidc-provider';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const issuer = `http://127.0.0.1:${settings.port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: settings.client_id,
      client_secret: settings.client_secret,
      redirect_uris: [settings.redirect_uri],
      post_logout_redirect_uris: [settings.post_logout_redirect_uri],
      backchannel_logout_uri: settings.backchannel_logout_uri,
      backchannel_logout_session_required: true,
    },
  ],
  jwks: settings.keys,
  cookies: {keys: ['a key of tests']},
  features: {devInteractions: {enabled: true}, backchannelLogout: {enabled: true}},
  // Its own refuses loopback, where the service of the tests is.
  fetch: (url, {dispatcher, ...options}) => fetch(url, options),
  pkce: {required: () => true},
  scopes: ['openid', 'profile'],
  claims: {openid: ['sub', ...settings.claims], profile: ['name']},
  conformIdTokenClaims: settings.claims_by_userinfo,
  findAccount: (_context, subject) => ({
    accountId: subject,
    claims: () => ({...JSON.parse(readFileSync(settings.people, 'utf8'))[subject], sub: subject}),
  }),
  // Nobody is asked what they agree to: the provider and the service are the same council's.
  loadExistingGrant: async (context) => {
    const {client, session} = context.oidc;
    const grant = new context.oidc.provider.Grant({
      clientId: client.clientId,
      accountId: session.accountId,
    });
    grant.addOIDCScope('openid profile');
    await grant.save();
    return grant;
  },
});
provider.on('backchannel.error', (_context, error) => console.error(error));
provider.listen(settings.port, '127.0.0.1', () => console.log('listening'));
