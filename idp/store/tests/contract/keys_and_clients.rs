//! Registration and keys, and the generations that tell other nodes.

use gapura_core::{
    id::{ApplicationId, ClientId, KeyId},
    oauth::{AuthMethod, ClientKeys, KeyProvider, KeySet, SignatureAlg, SigningKeyState, StoredSigningKey},
};
use gapura_store::{
    clients::{self, Enabled, NewSecret},
    generations::{self, Copied, Generations},
    purpose_keys::{self, PurposeKey, Rewrapped},
    signing_keys,
};

use crate::{
    fixtures::{city, web},
    support::{NOW, change, on_both_engines},
};

fn key(id: &str, algorithm: SignatureAlg, state: SigningKeyState) -> StoredSigningKey {
    StoredSigningKey {
        id: KeyId::new(id),
        algorithm,
        provider: KeyProvider::Software,
        state,
        public_jwk: "{}".to_owned(),
        wrapped_private: vec![1, 2, 3],
        created_at: NOW,
        activated_at: Some(NOW),
        retired_at: None,
    }
}

on_both_engines! {
    async fn a_client_comes_back_as_it_was_registered(store) {
        city(store).await;
        let mut client = clients::all(&store.db).await.unwrap().into_iter().find(|c| c.id == web()).unwrap();
        client.id = ClientId::new("second");
        client.application_id = ApplicationId::new("app");
        client.redirect_uris = vec!["https://a.example/\"b\",c".to_owned(), "https://é.example/".to_owned()];
        client.grant_types = vec!["authorization_code".to_owned(), "refresh_token".to_owned()];
        let before = generations::current(&store.db).await.unwrap();
        let added = client.clone();
        assert!(change!(store, |tx| clients::add(tx, &added, NOW)));
        let added = client.clone();
        assert!(!change!(store, |tx| clients::add(tx, &added, NOW)), "the id is taken");
        for (id, expires_at) in [("k1", None), ("k2", Some(NOW))] {
            change!(store, |tx| clients::add_secret(tx, &ClientId::new("second"), &NewSecret { id, hash: id.as_bytes(), expires_at }, NOW));
        }
        client.secrets = vec![(b"k1".to_vec(), None), (b"k2".to_vec(), Some(NOW))];
        let all = clients::all(&store.db).await.unwrap();
        assert_eq!(all.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["quiet", "second", "web"]);
        assert_eq!(all[1], client);
        let after = generations::current(&store.db).await.unwrap();
        assert_eq!(after.clients, before.clients + 3);
        assert_eq!(after.keys, before.keys);
    }

    async fn a_client_keeps_the_keys_it_was_given_last(store) {
        city(store).await;
        let set = |kid: &str| {
            let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
            let text = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"{kid}"}}]}}"#);
            ClientKeys::Inline(KeySet::registered(text.as_bytes()).unwrap())
        };
        let mut client = clients::all(&store.db).await.unwrap().into_iter().find(|c| c.id == web()).unwrap();
        client.id = ClientId::new("keyed");
        client.auth_method = AuthMethod::PrivateKeyJwt;
        client.secrets = Vec::new();
        client.keys = Some(set("a"));
        let added = client.clone();
        assert!(change!(store, |tx| clients::add(tx, &added, NOW)));
        let stored = async || clients::all(&store.db).await.unwrap().into_iter().find(|c| c.id == client.id).unwrap();
        assert_eq!(stored().await, client);
        for keys in [ClientKeys::At("https://a.example/jwks".to_owned()), set("b")] {
            let before = generations::current(&store.db).await.unwrap().clients;
            let given = keys.clone();
            assert!(change!(store, |tx| clients::set_keys(tx, &ClientId::new("keyed"), &given, NOW)));
            assert_eq!(stored().await.keys, Some(keys));
            assert_eq!(generations::current(&store.db).await.unwrap().clients, before + 1);
        }
        let given = set("c");
        assert!(!change!(store, |tx| clients::set_keys(tx, &web(), &given, NOW)), "it has a secret");
    }

    async fn a_client_has_two_secrets_at_most(store) {
        city(store).await;
        let hour = std::time::Duration::from_secs(3600);
        change!(store, |tx| clients::add_secret(tx, &web(), &NewSecret { id: "s0", hash: b"0", expires_at: None }, NOW));
        let rotate = async |id: &'static str, ends, now| {
            let secret = NewSecret { id, hash: id.as_bytes(), expires_at: None };
            change!(store, |tx| clients::rotate_secret(tx, &web(), &secret, ends, now))
        };
        let kept = async || {
            let all = clients::all(&store.db).await.unwrap();
            all.into_iter().find(|client| client.id == web()).unwrap().secrets
        };
        let generation = generations::current(&store.db).await.unwrap().clients;
        assert!(rotate("s1", NOW.plus(hour), NOW).await);
        let both = [(b"0".to_vec(), Some(NOW.plus(hour))), (b"s1".to_vec(), None)];
        assert_eq!(kept().await, both);
        assert_eq!(generations::current(&store.db).await.unwrap().clients, generation + 1);
        assert!(!rotate("s2", NOW.plus(2 * hour), NOW.plus(hour / 2)).await, "the first runs out only now");
        assert_eq!(kept().await, both);
        assert!(rotate("s3", NOW.plus(3 * hour), NOW.plus(hour)).await, "it has run out");
        assert_eq!(kept().await, [(b"s1".to_vec(), Some(NOW.plus(3 * hour))), (b"s3".to_vec(), None)]);
        assert!(rotate("s4", NOW.plus(2 * hour), NOW.plus(2 * hour)).await, "at once: no other goes on");
        assert_eq!(kept().await, [(b"s4".to_vec(), None)]);
    }

    async fn a_client_is_switched_off_and_on(store) {
        city(store).await;
        let switch = async |to| change!(store, |tx| clients::set_enabled(tx, &web(), to, NOW));
        assert!(!switch(Enabled::On).await, "it is on");
        let before = generations::current(&store.db).await.unwrap().clients;
        assert!(switch(Enabled::Off).await);
        assert_eq!(generations::current(&store.db).await.unwrap().clients, before + 1);
        assert!(!clients::all(&store.db).await.unwrap().iter().find(|c| c.id == web()).unwrap().enabled);
        assert!(switch(Enabled::On).await);
    }

    async fn of_two_keys_made_for_one_place_one_is_kept(store) {
        use SigningKeyState::{Active, Next};
        let add = async |id: &str, algorithm, state| {
            let key = key(id, algorithm, state);
            change!(store, |tx| signing_keys::add(tx, &key, "root"))
        };
        let before = generations::current(&store.db).await.unwrap().keys;
        assert!(add("a", SignatureAlg::Es256, Active).await);
        assert!(!add("b", SignatureAlg::Es256, Active).await);
        assert!(add("c", SignatureAlg::Rs256, Active).await);
        assert!(add("d", SignatureAlg::Es256, Next).await);
        assert!(!add("e", SignatureAlg::Es256, Next).await);
        let all = signing_keys::all(&store.db).await.unwrap();
        assert_eq!(all.iter().map(|k| k.id.as_str()).collect::<Vec<_>>(), ["a", "c", "d"]);
        assert_eq!(all[1], key("c", SignatureAlg::Rs256, Active));
        assert_eq!(generations::current(&store.db).await.unwrap().keys, before + 3);
    }

    async fn a_key_goes_its_way_once(store) {
        use SigningKeyState::{Active, Gone, Next, Retiring};
        for (id, algorithm, state) in
            [("a", SignatureAlg::Es256, Active), ("n", SignatureAlg::Es256, Next), ("r", SignatureAlg::Rs256, Active)]
        {
            let key = StoredSigningKey { activated_at: (state == Active).then_some(NOW), ..key(id, algorithm, state) };
            change!(store, |tx| signing_keys::add(tx, &key, "root"));
        }
        let generation = generations::current(&store.db).await.unwrap().keys;
        let later = NOW.plus(std::time::Duration::from_secs(1));
        let activate = async |id| change!(store, |tx| signing_keys::activate(tx, &KeyId::new(id), later));
        let withdraw =
            async |id, from| change!(store, |tx| signing_keys::withdraw(tx, &KeyId::new(id), from, later));
        assert!(!activate("a").await && !activate("r").await && !activate("x").await, "none of these is next");
        assert!(activate("n").await);
        assert!(!activate("n").await);
        let states = async || {
            let all = signing_keys::all(&store.db).await.unwrap();
            all.into_iter().map(|key| (key.state, key.activated_at, key.retired_at)).collect::<Vec<_>>()
        };
        let other = (Active, Some(NOW), None);
        assert_eq!(states().await, [(Retiring, Some(NOW), Some(later)), (Active, Some(later), None), other]);
        assert!(!withdraw("a", Active).await, "it retires");
        assert!(withdraw("a", Retiring).await);
        assert!(!withdraw("a", Gone).await && !withdraw("x", Active).await);
        assert!(withdraw("n", Active).await);
        let gone = (Gone, Some(later), Some(later));
        assert_eq!(states().await, [(Gone, Some(NOW), Some(later)), gone, other]);
        let all = signing_keys::all(&store.db).await.unwrap();
        assert!(all[0].wrapped_private.is_empty() && all[1].wrapped_private.is_empty());
        assert!(!all[2].wrapped_private.is_empty());
        assert_eq!(generations::current(&store.db).await.unwrap().keys, generation + 3);
    }

    async fn a_purpose_has_one_key(store) {
        let key = |id: &str| PurposeKey {
            id: id.to_owned(),
            purpose: "pepper".to_owned(),
            wrapped: id.as_bytes().to_vec(),
            root_key_id: "root".to_owned(),
        };
        let (first, second) = (key("a"), key("b"));
        assert!(change!(store, |tx| purpose_keys::add_first(tx, &first, NOW)));
        assert!(!change!(store, |tx| purpose_keys::add_first(tx, &second, NOW)));
        assert_eq!(purpose_keys::all(&store.db).await.unwrap(), [key("a")]);
    }

    async fn keys_are_wrapped_anew_all_or_none(store) {
        let purpose = |id: &str, wrapped: &[u8], root: &str| PurposeKey {
            id: id.to_owned(),
            purpose: id.to_owned(),
            wrapped: wrapped.to_vec(),
            root_key_id: root.to_owned(),
        };
        for id in ["column", "pepper"] {
            let key = purpose(id, b"old", "first");
            change!(store, |tx| purpose_keys::add_first(tx, &key, NOW));
        }
        for (id, state) in [("a", SigningKeyState::Active), ("n", SigningKeyState::Next)] {
            let stray = key(id, SignatureAlg::Es256, state);
            let kept = stray.clone();
            let strayed = change!(store, |tx| signing_keys::add(tx, &stray, "another"));
            assert!(!strayed, "wrapped by a root key not in use");
            assert!(change!(store, |tx| signing_keys::add(tx, &kept, "first")));
        }
        let whole = Rewrapped {
            from: "first".to_owned(),
            purposes: vec![purpose("column", b"new", "second"), purpose("pepper", b"new", "second")],
            signing: ["n", "a"].map(|id| (KeyId::new(id), vec![1, 2, 3], vec![4])).to_vec(),
        };
        let rewrap = async |keys: &Rewrapped| {
            let keys = keys.clone();
            change!(store, |tx| purpose_keys::rewrap(tx, &keys))
        };
        let state = async || {
            let signing = signing_keys::all(&store.db).await.unwrap();
            let private: Vec<Vec<u8>> = signing.into_iter().map(|key| key.wrapped_private).collect();
            (purpose_keys::all(&store.db).await.unwrap(), private)
        };
        let before = state().await;
        let mut stale = [(); 4].map(|()| whole.clone());
        stale[0].from = "third".to_owned();
        stale[1].signing.pop();
        stale[2].signing[0].1 = vec![9];
        stale[3].purposes.pop();
        for keys in &stale {
            assert!(!rewrap(keys).await);
            assert_eq!(state().await, before);
        }
        assert!(rewrap(&whole).await);
        assert_eq!(state().await, (whole.purposes.clone(), vec![vec![4], vec![4]]));
        assert!(!rewrap(&whole).await, "once");
    }

    async fn each_noun_has_its_own_generation(store) {
        let before = generations::current(&store.db).await.unwrap();
        for noun in Copied::ALL {
            change!(store, |tx| generations::raise(tx, *noun));
        }
        let raised = Generations {
            clients: before.clients + 1,
            keys: before.keys + 1,
            applications: before.applications + 1,
            organization: before.organization + 1,
        };
        assert_eq!(generations::current(&store.db).await.unwrap(), raised);
    }
}
