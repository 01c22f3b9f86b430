//! An import is visible from its first moment and goes on where it was cut off.

use gapura_core::id::BatchId;
use gapura_store::imports::{self, Batch, BatchState, Queued};

use crate::support::{NOW, change, on_both_engines};

fn batch(id: &str) -> Batch {
    Batch {
        id: BatchId::new(id),
        kind: "pegawai".to_owned(),
        file_name: "data.xlsx".to_owned(),
        file_digest: "00".to_owned(),
        state: BatchState::Preparing,
        total: 0,
        started_at: NOW,
        actor: "root".to_owned(),
        report: None,
    }
}

on_both_engines! {
    async fn a_batch_is_taken_item_by_item_once(store) {
        let id = BatchId::new("b1");
        change!(store, |tx| imports::begin(tx, &batch("b1")));
        for number in [2, 1] {
            change!(store, |tx| imports::add_item(tx, &BatchId::new("b1"), number, &[0, 9]));
        }
        change!(store, |tx| imports::set_state(tx, &BatchId::new("b1"), BatchState::Applying, 2));
        assert_eq!(imports::items(&store.db, &id).await.unwrap(), [(1, vec![0, 9]), (2, vec![0, 9])]);
        for done in [true, false] {
            assert_eq!(change!(store, |tx| imports::take_item(tx, &BatchId::new("b1"), 1)), done);
        }
        let open = imports::unfinished(&store.db).await.unwrap();
        assert_eq!((open.len(), open[0].state, open[0].total), (1, BatchState::Applying, 2));
        change!(store, |tx| imports::end(tx, &BatchId::new("b1"), "{}", NOW));
        assert!(imports::unfinished(&store.db).await.unwrap().is_empty());
        let done = imports::by_id(&store.db, &id).await.unwrap().unwrap();
        assert_eq!((done.state, done.report.as_deref()), (BatchState::Done, Some("{}")));
        assert!(imports::items(&store.db, &id).await.unwrap().is_empty(), "sealed rows leave with their batch");
    }

    async fn a_batch_that_changed_nothing_yet_can_be_dropped(store) {
        change!(store, |tx| imports::begin(tx, &batch("b1")));
        change!(store, |tx| imports::add_item(tx, &BatchId::new("b1"), 1, &[1]));
        change!(store, |tx| imports::drop_unprepared(tx, &BatchId::new("b1")));
        assert!(imports::by_id(&store.db, &BatchId::new("b1")).await.unwrap().is_none());
    }

    async fn what_is_left_to_decide_is_queued(store) {
        change!(store, |tx| imports::begin(tx, &batch("b1")));
        let id = BatchId::new("b1");
        change!(store, |tx| async {
            let queued = Queued { id: "q", batch: &id, row: 7, user: None, code: "unknown_unit", detail: "?" };
            imports::queue(tx, &queued, NOW).await
        });
        let open = imports::open_queue(&store.db).await.unwrap();
        assert_eq!(open, [(None, "unknown_unit".to_owned(), "?".to_owned())]);
    }
}
