//! A database that is corrupt, truncated or read-only: the studio does not start, says what to do, and changes nothing.

use std::fs;
use std::path::PathBuf;

use e2e::{SOON, SmallDisk, Story, chat, in_own_mounts, picture};
use testkit::{Exit, Home, StudioOptions, StudioProcess};

struct Stopped {
    story: Story,
    job: String,
    picture: String,
    database: PathBuf,
    good: Vec<u8>,
}

/// A studio that did some work and was stopped, its database whole in one file.
async fn stopped(home: Home, options: StudioOptions) -> Stopped {
    let mut story = Story::begin_at(home, options).await;
    let worker = story.worker("attic").await;
    let mut job = String::new();
    for n in 0..40 {
        job = story.api.submit(chat(&format!("{n} {}", "once upon a time ".repeat(300)))).await;
    }
    story.until(&job, "done").await;
    let picture = story.done(picture("a fox")).await["id"].as_str().expect("an id").to_owned();
    drop(worker);
    story.studio.sigterm();
    assert_eq!(story.studio.exit(SOON).await, Exit::Code(0));
    let database = story.studio.data_dir().join("studio.db");
    let good = fs::read(&database).expect("the database is there");
    assert!(good.len() > 100_000, "enough to break: {} bytes", good.len());
    Stopped { story, job, picture, database, good }
}

impl Stopped {
    /// Starts the studio, which must end at once; returns what it said.
    async fn refused(&mut self) -> String {
        let before = self.story.studio.log().len();
        self.story.studio.respawn();
        assert_eq!(self.story.studio.exit(SOON).await, Exit::Code(1), "{}", self.story.studio.log());
        let said = self.story.studio.log().split_off(before);
        let folder = self.story.studio.data_dir().to_str().expect("a plain path");
        assert!(said.contains(folder), "it names the file: {said}");
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    async fn works_with_the_good_one(&mut self) {
        fs::write(&self.database, &self.good).expect("the database can be written");
        self.story.studio.restart().await;
        assert_eq!(self.story.api.job(&self.job).await["state"], "done");
        assert!(!self.story.api.artefact(&self.picture).await.is_empty());
    }
}

#[tokio::test]
async fn a_damaged_database_is_told_with_what_to_do_and_left_as_it_is() {
    let mut studio = stopped(Home::new(), StudioOptions::default()).await;
    let mut no_header = studio.good.clone();
    no_header[..100].fill(0xA5);
    let mut holes = studio.good.clone();
    // Every page but the first, half of it: where a disk or a file system lost its mind.
    holes.chunks_mut(4_096).skip(1).for_each(|page| page[..2_048].fill(0xA5));
    let truncated = studio.good[..studio.good.len() / 2].to_vec();
    let text = b"this is no database".to_vec();
    for (what, bytes) in
        [("no header", no_header), ("holes", holes), ("truncated", truncated), ("text", text)]
    {
        fs::write(&studio.database, &bytes).expect("the database can be written");
        let said = studio.refused().await;
        assert!(said.contains("studio restore"), "{what}: it says what to do: {said}");
        assert!(fs::read(&studio.database).expect("it is there") == bytes, "{what}: it was changed");
    }
    studio.works_with_the_good_one().await;
}

#[tokio::test]
async fn a_read_only_database_is_told() {
    if !in_own_mounts("database::a_read_only_database_is_told") {
        return;
    }
    let home = Home::new();
    let disk = SmallDisk::mount(&home, "small", 16 * 1_024);
    let options = StudioOptions { data_dir: Some(disk.path().join("studio")), ..StudioOptions::default() };
    let mut studio = stopped(home, options).await;
    disk.make_read_only();
    let said = studio.refused().await.to_lowercase();
    assert!(said.contains("read-only") && said.contains("writable"), "{said}");
    let data = studio.story.studio.data_dir().to_owned();
    let mut doctor = studio.story.studio.command(&["doctor", "--data-dir"]);
    let said = doctor.arg(data).output().expect("studio can be started");
    let said = String::from_utf8_lossy(&said.stdout).to_lowercase();
    assert!(said.contains("studio.db is read-only"), "{said}");
    disk.make_writable();
    studio.works_with_the_good_one().await;
}

#[tokio::test]
async fn a_data_directory_serves_one_studio_at_a_time() {
    let story = Story::begin().await;
    let options =
        StudioOptions { data_dir: Some(story.studio.data_dir().to_owned()), ..StudioOptions::default() };
    let other = Home::new();
    let mut second = StudioProcess::spawn(&other, options);
    assert_eq!(second.exit(SOON).await, Exit::Code(1), "two studios over one database: {}", second.log());
    let said = second.log();
    assert!(said.contains(&story.studio.pid().to_string()) || said.contains("another studio"), "{said}");
}
