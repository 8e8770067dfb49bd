// The names of emoji by group, as "name character" pairs.

export const GROUPS = {
  "Often used": `+1 👍 eyes 👀 white_check_mark ✅ tada 🎉 raised_hands 🙌 heart ❤️ joy 😂 thinking_face 🤔 rocket 🚀 pray 🙏 fire 🔥 100 💯
    x ❌ octagonal_sign 🛑 writing_hand ✍️ hourglass_flowing_sand ⏳ warning ⚠️ bulb 💡 robot_face 🤖 -1 👎`,
  Smileys: `grinning 😀 smiley 😃 smile 😄 grin 😁 laughing 😆 sweat_smile 😅 rolling_on_the_floor_laughing 🤣 slightly_smiling_face 🙂
    upside_down_face 🙃 wink 😉 blush 😊 innocent 😇 heart_eyes 😍 star-struck 🤩 kissing_heart 😘 yum 😋 stuck_out_tongue 😛 zany_face 🤪
    hugging_face 🤗 shushing_face 🤫 zipper_mouth_face 🤐 neutral_face 😐 expressionless 😑 no_mouth 😶 smirk 😏 unamused 😒 face_with_rolling_eyes 🙄
    grimacing 😬 relieved 😌 pensive 😔 sleepy 😪 sleeping 😴 mask 😷 nauseated_face 🤢 sneezing_face 🤧 exploding_head 🤯 partying_face 🥳
    sunglasses 😎 nerd_face 🤓 confused 😕 worried 😟 open_mouth 😮 hushed 😯 astonished 😲 flushed 😳 fearful 😨 cry 😢 sob 😭 scream 😱
    disappointed 😞 sweat 😓 weary 😩 tired_face 😫 yawning_face 🥱 triumph 😤 rage 😡 angry 😠 skull 💀 ghost 👻 alien 👽 smile_cat 😸`,
  People: `wave 👋 ok_hand 👌 v ✌️ crossed_fingers 🤞 call_me_hand 🤙 point_left 👈 point_right 👉 point_up_2 👆 point_down 👇 fist ✊ facepunch 👊
    clap 👏 open_hands 👐 handshake 🤝 muscle 💪 brain 🧠 ear 👂 speech_balloon 💬 thought_balloon 💭 zzz 💤 detective 🕵️ technologist 🧑‍💻
    scientist 🧑‍🔬 teacher 🧑‍🏫 superhero 🦸 mage 🧙 runner 🏃 dancer 💃 family 👪`,
  Nature: `dog 🐶 cat 🐱 mouse 🐭 fox_face 🦊 bear 🐻 panda_face 🐼 koala 🐨 tiger 🐯 lion_face 🦁 frog 🐸 monkey 🐒 chicken 🐔 penguin 🐧 bird 🐦 owl 🦉
    bee 🐝 bug 🐛 butterfly 🦋 snail 🐌 turtle 🐢 snake 🐍 octopus 🐙 crab 🦀 whale 🐳 dolphin 🐬 unicorn_face 🦄 seedling 🌱 evergreen_tree 🌲
    palm_tree 🌴 cactus 🌵 four_leaf_clover 🍀 maple_leaf 🍁 mushroom 🍄 sunflower 🌻 rose 🌹 tulip 🌷 earth_africa 🌍 sun 🌞 moon 🌙 star ⭐
    star2 🌟 sparkles ✨ zap ⚡ cloud ☁️ rainbow 🌈 snowflake ❄️ snowman ⛄ droplet 💧 ocean 🌊`,
  Food: `apple 🍎 tangerine 🍊 lemon 🍋 banana 🍌 watermelon 🍉 grapes 🍇 strawberry 🍓 cherries 🍒 peach 🍑 pineapple 🍍 avocado 🥑 tomato 🍅 carrot 🥕
    corn 🌽 bread 🍞 cheese_wedge 🧀 egg 🥚 hamburger 🍔 fries 🍟 pizza 🍕 hotdog 🌭 taco 🌮 burrito 🌯 spaghetti 🍝 sushi 🍣 ramen 🍜 rice 🍚
    doughnut 🍩 cookie 🍪 birthday 🎂 cake 🍰 chocolate_bar 🍫 coffee ☕ tea 🍵 beer 🍺 beers 🍻 wine_glass 🍷 champagne 🍾`,
  Things: `bar_chart 📊 chart_with_upwards_trend 📈 chart_with_downwards_trend 📉 clipboard 📋 memo 📝 page_facing_up 📄 file_folder 📁 open_file_folder 📂
    card_index_dividers 🗂️ calendar 📆 date 📅 paperclip 📎 pushpin 📌 round_pushpin 📍 scissors ✂️ lock 🔒 unlock 🔓 key 🔑 hammer 🔨 wrench 🔧
    hammer_and_wrench 🛠️ gear ⚙️ toolbox 🧰 microscope 🔬 telescope 🔭 test_tube 🧪 satellite 📡 computer 💻 desktop_computer 🖥️ keyboard ⌨️
    floppy_disk 💾 cd 💿 package 📦 mailbox 📫 email 📧 inbox_tray 📥 outbox_tray 📤 loudspeaker 📢 mega 📣 bell 🔔 no_bell 🔕 mag 🔍 mag_right 🔎
    battery 🔋 electric_plug 🔌 flashlight 🔦 books 📚 book 📖 bookmark 🔖 link 🔗 moneybag 💰 credit_card 💳 gem 💎 gift 🎁 balloon 🎈 trophy 🏆
    medal 🏅 dart 🎯 game_die 🎲 art 🎨 camera 📷 movie_camera 🎥 musical_note 🎵 guitar 🎸 headphones 🎧 car 🚗 bike 🚲 train 🚆 airplane ✈️ ship 🚢
    house 🏠 office 🏢 construction 🚧 rotating_light 🚨 ticket 🎫 puzzle_piece 🧩 broom 🧹`,
  Symbols: `heavy_check_mark ✔️ ballot_box_with_check ☑️ heavy_multiplication_x ✖️ negative_squared_cross_mark ❎ no_entry ⛔ no_entry_sign 🚫 question ❓
    grey_question ❔ exclamation ❗ bangbang ‼️ information_source ℹ️ arrow_right ➡️ arrow_left ⬅️ arrow_up ⬆️ arrow_down ⬇️ arrows_counterclockwise 🔄
    repeat 🔁 fast_forward ⏩ rewind ⏪ pause_button ⏸️ stop_button ⏹️ heavy_plus_sign ➕ heavy_minus_sign ➖ recycle ♻️ infinity ♾️ hourglass ⌛
    alarm_clock ⏰ stopwatch ⏱️ one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣ red_circle 🔴 large_yellow_circle 🟡 large_green_circle 🟢 large_blue_circle 🔵
    white_circle ⚪ black_circle ⚫ broken_heart 💔 orange_heart 🧡 yellow_heart 💛 green_heart 💚 blue_heart 💙 purple_heart 💜 checkered_flag 🏁
    waving_white_flag 🏳️ rainbow-flag 🏳️‍🌈 new 🆕 ok 🆗 sos 🆘 abc 🔤 1234 🔢`,
};
